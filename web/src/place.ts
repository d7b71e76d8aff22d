// Moving an asset: a mark on a map that follows the numbers of a form, and that they follow.

import { Marker, type Map as MapLibreMap } from "maplibre-gl";
import { announce } from "./enhancements";
import { language } from "./words";

const METRES_A_DEGREE = 111_320;
const DECIMALS = 7;

type Holder = HTMLElement & { beffroiMap?: MapLibreMap };

/** The map of another island, once it is drawn. */
function mapOf(holder: Holder): Promise<MapLibreMap> {
  return new Promise((resolve) => {
    const look = () => {
      if (!holder.beffroiMap || holder.dataset.ready === undefined) return false;
      observer.disconnect();
      resolve(holder.beffroiMap);
      return true;
    };
    const observer = new MutationObserver(look);
    if (!look()) observer.observe(holder, { attributes: true, attributeFilter: ["data-ready"] });
  });
}

/** Read a number as people write it, with a comma or a point. */
function read(field: HTMLInputElement): number {
  return Number(field.value.trim().replace(/\s/g, "").replace(",", "."));
}

function write(field: HTMLInputElement, value: number): void {
  const text = value.toFixed(DECIMALS);
  field.value = field.type !== "number" && language.startsWith("fr") ? text.replace(".", ",") : text;
}

/** Put the mark, and let the mouse, the keys and the numbers move it. */
export async function mount(element: HTMLElement): Promise<void> {
  const holder = element.querySelector<Holder>("[data-island=map]");
  const lon = document.getElementById(element.dataset.lon ?? "");
  const lat = document.getElementById(element.dataset.lat ?? "");
  if (!holder || !(lon instanceof HTMLInputElement) || !(lat instanceof HTMLInputElement)) return;
  const map = await mapOf(holder);
  const mark = new Marker({ draggable: true, color: getComputedStyle(element).getPropertyValue("--town-primary-text") || "#2b4a73" });
  const place = () => {
    const [x, y] = [read(lon), read(lat)];
    return Math.abs(x) <= 180 && Math.abs(y) <= 90 ? ([x, y] as [number, number]) : null;
  };
  const start = place();
  if (!start) return;
  mark.setLngLat(start).addTo(map);
  const told = () => {
    const at = mark.getLngLat();
    write(lon, at.lng);
    write(lat, at.lat);
  };
  mark.on("drag", told);
  map.on("click", (event) => {
    mark.setLngLat(event.lngLat);
    told();
  });
  for (const field of [lon, lat]) {
    field.addEventListener("input", () => {
      const at = place();
      if (!at) return;
      mark.setLngLat(at);
      if (!map.getBounds().contains(at)) map.jumpTo({ center: at });
    });
  }
  const handle = mark.getElement();
  handle.tabIndex = 0;
  handle.setAttribute("role", "button");
  handle.setAttribute("aria-label", element.dataset.label ?? "");
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0] }[event.key];
    if (!step) return;
    // MapLibre moves a mark too, by pixels of the screen: metres are what a surveyor thinks in.
    event.preventDefault();
    event.stopImmediatePropagation();
    const [east = 0, north = 0] = step;
    const reach = (event.shiftKey ? 10 : 1) / METRES_A_DEGREE;
    const at = mark.getLngLat();
    at.lng += (east * reach) / Math.cos((at.lat * Math.PI) / 180);
    at.lat += north * reach;
    mark.setLngLat(at);
    told();
    announce(`${lat.value} ; ${lon.value}`);
  }, { capture: true });
  element.dataset.ready = "";
}
