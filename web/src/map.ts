// The map: streets and assets of the town, with the same content as the list beside it.

import {
  AttributionControl,
  GeolocateControl,
  LngLatBounds,
  Map as MapLibreMap,
  NavigationControl,
  ScaleControl,
  type IControl,
  type MapGeoJSONFeature,
  type PointLike,
  type VectorTileSource,
  setWorkerUrl,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "./map/map.css";
import { type MapConfig, named, PADDING, POINT_ZOOM, readConfig, setParameter, STREET_ZOOM, tilesUrl } from "./map/config";
import { Detail } from "./map/detail";
import { Rings } from "./map/rings";
import { buildStyle } from "./map/style";
import { offerSymbols } from "./map/symbols";
import { type Change, followWholeTerritory } from "./live";
import { onThemeChange, palette } from "./theme";
import { word } from "./words";

setWorkerUrl(new URL(workerUrl, import.meta.url).href);

const REFRESH_MS = 60_000;
const NARROW = "(max-width: 40rem)";
const PICKABLE = ["assets-state", "assets-symbol", "assets-point", "cells"];

/** A button among those of the map. */
class ButtonControl implements IControl {
  readonly #place = document.createElement("div");

  constructor(label: string, css: string, press: () => void) {
    this.#place.className = "maplibregl-ctrl maplibregl-ctrl-group";
    const button = document.createElement("button");
    button.type = "button";
    button.className = css;
    button.title = label;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", press);
    this.#place.append(button);
  }

  onAdd(): HTMLElement {
    return this.#place;
  }

  onRemove(): void {
    this.#place.remove();
  }
}

class CityMap {
  readonly map: MapLibreMap;
  readonly #element: HTMLElement;
  readonly #config: MapConfig;
  readonly #interactive: boolean;
  readonly #detail: Detail;
  readonly #rings: Rings;
  readonly #toggles: HTMLFormElement | null;
  #drawSymbols: () => void = () => undefined;
  #raster: boolean;
  #stale = false;

  constructor(element: HTMLElement) {
    this.#element = element;
    this.#config = readConfig(element);
    this.#interactive = this.#config.interactive !== false;
    const panel = element.closest(".map") ?? document;
    this.#toggles = panel.querySelector<HTMLFormElement>("[data-domain-toggles]");
    this.#raster = Boolean(this.#config.raster_tiles && (this.#config.raster_first || !this.#config.base_tiles));
    this.map = this.#createMap();
    this.#detail = new Detail(panel.querySelector<HTMLElement>("[data-map-detail]"), this.#config, (uuid, at) => this.#select(uuid, at));
    this.#rings = new Rings(this.map);
    this.#addControls();
    this.#listen();
  }

  #createMap(): MapLibreMap {
    const config = this.#config;
    const map = new MapLibreMap({
      container: this.#element,
      style: this.#style(),
      locale: {
        "Map.Title": this.#element.dataset.label ?? "",
        "NavigationControl.ZoomIn": word("map_zoom_in"),
        "NavigationControl.ZoomOut": word("map_zoom_out"),
        "GeolocateControl.FindMyLocation": word("map_locate"),
        "GeolocateControl.LocationNotAvailable": word("map_no_location"),
        "AttributionControl.ToggleAttribution": word("map_attribution"),
        "CooperativeGesturesHandler.MobileHelpText": word("map_gestures"),
        "CooperativeGesturesHandler.WindowsHelpText": word("map_gestures_wheel"),
        "CooperativeGesturesHandler.MacHelpText": word("map_gestures_wheel"),
        "ScaleControl.Meters": "m",
        "ScaleControl.Kilometers": "km",
      },
      attributionControl: false,
      cooperativeGestures: !this.#interactive || Boolean(config.point),
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: 0,
      // Written by ourselves and drawn by our tests: reading it through at each opening costs time.
      validateStyle: false,
      hash: this.#interactive && !config.point,
      maxZoom: 20,
      minZoom: 5,
      // Assets are read again when something changes, the town when the page is opened again.
      refreshExpiredTiles: false,
      renderWorldCopies: false,
      ...this.#view(),
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    this.#drawSymbols = offerSymbols(map, config.domains, this.#element);
    return map;
  }

  #view(): object {
    if (this.#config.point) return { center: this.#config.point, zoom: POINT_ZOOM };
    if (this.#config.bounds) return { bounds: this.#config.bounds, fitBoundsOptions: { padding: PADDING } };
    return { center: [2.6, 46.6], zoom: 5.5 };
  }

  #style(): ReturnType<typeof buildStyle> {
    return buildStyle(this.#config, palette(this.#element), this.#shownDomains(), this.#raster);
  }

  /** Domains shown, or null when all of them are. */
  #shownDomains(): string[] | null {
    const boxes = [...(this.#toggles?.querySelectorAll<HTMLInputElement>("input[type=checkbox]") ?? [])];
    if (boxes.length) {
      return boxes.every((box) => box.checked) ? null : boxes.filter((box) => box.checked).map((box) => box.value);
    }
    return this.#config.active?.length ? this.#config.active : null;
  }

  #addControls(): void {
    const map = this.map;
    const attribution = this.#config.attribution;
    map.addControl(new AttributionControl({ compact: true, ...(attribution ? { customAttribution: attribution } : {}) }));
    // On a telephone the credits are a button: opened, they would cover a line of the town.
    if (matchMedia(NARROW).matches) map.once("load", () => this.#foldCredits());
    map.addControl(new ScaleControl({ maxWidth: 90 }), "bottom-left");
    map.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
    if (!this.#interactive) return;
    const bounds = this.#config.bounds;
    if (bounds && !this.#config.point) {
      const fit = () => map.fitBounds(bounds, { padding: PADDING, animate: !reducedMotion() });
      map.addControl(new ButtonControl(word("map_fit"), "map-button map-button--fit", fit), "bottom-right");
      map.addControl(new GeolocateControl({ positionOptions: { enableHighAccuracy: true } }), "bottom-right");
    }
    if (this.#config.raster_tiles && this.#config.base_tiles) {
      const change = () => {
        this.#raster = !this.#raster;
        this.#redraw();
      };
      const label = `${word("map_base_town")} / ${word("map_base_raster")}`;
      map.addControl(new ButtonControl(label, "map-button map-button--base", change), "bottom-right");
    }
  }

  #foldCredits(): void {
    const credits = this.#element.querySelector(".maplibregl-ctrl-attrib");
    credits?.classList.remove("maplibregl-compact-show");
    credits?.removeAttribute("open");
  }

  #listen(): void {
    const map = this.map;
    map.once("load", () => performance.mark("beffroi:map-load"));
    map.once("idle", () => {
      performance.mark("beffroi:map-idle");
      this.#element.dataset.ready = "";
    });
    onThemeChange(() => this.#redraw());
    new ResizeObserver(() => map.resize()).observe(this.#element);
    if (!this.#interactive) return;
    followWholeTerritory();
    map.on("click", (event) => this.#pick([event.point.x, event.point.y], 8));
    map.on("mousemove", (event) => {
      const found = this.#near([event.point.x, event.point.y], 4);
      map.getCanvas().style.cursor = found ? "pointer" : "";
    });
    map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#pickCentre();
      if (event.key === "Escape") this.#detail.close();
    });
    map.getCanvas().setAttribute("aria-describedby", this.#keysHelp());
    this.#toggles?.addEventListener("change", () => this.#domainsChanged());
    document.addEventListener("beffroi:change", (event) => {
      this.#stale = true;
      this.#rings.add((event as CustomEvent<Change[]>).detail.map(([uuid]) => uuid));
    });
    document.addEventListener("beffroi:reset", () => this.#refreshAssets());
    window.setInterval(() => {
      if (this.#stale && !document.hidden) this.#refreshAssets();
    }, REFRESH_MS);
    document.addEventListener("beffroi:centre", (event) => this.#centre((event as CustomEvent).detail as Centre));
    const selected = new URL(location.href).searchParams.get("equipement") ?? this.#config.selected;
    if (selected && !this.#config.point) map.once("load", () => void this.#detail.open(selected, { focus: false }));
  }

  #keysHelp(): string {
    const help = document.createElement("p");
    help.id = `${this.#element.dataset.config ?? "map"}-keys`;
    help.className = "visually-hidden";
    help.textContent = word("map_keys");
    this.#element.after(help);
    return help.id;
  }

  #near([x, y]: [number, number], reach: number): MapGeoJSONFeature | undefined {
    const layers = PICKABLE.filter((layer) => this.map.getLayer(layer));
    if (!layers.length) return undefined;
    const box: [PointLike, PointLike] = [[x - reach, y - reach], [x + reach, y + reach]];
    let found: MapGeoJSONFeature[];
    try {
      found = this.map.queryRenderedFeatures(box, { layers });
    } catch {
      // A tile read again while it was being replaced: MapLibre looks for features it no longer has.
      this.#refreshAssets();
      return undefined;
    }
    const weight = (feature: MapGeoJSONFeature) => [0, 2, 3, 1][Number(feature.properties.state ?? 0)] ?? 0;
    return found.sort((one, other) => weight(other) - weight(one))[0];
  }

  #pick(point: [number, number], reach: number): boolean {
    const feature = this.#near(point, reach);
    if (!feature) {
      this.#detail.close();
      return false;
    }
    if (feature.layer.id === "cells" && feature.geometry.type === "Point") {
      const center = feature.geometry.coordinates as [number, number];
      this.map.easeTo({ center, zoom: Math.min(this.map.getZoom() + 2, STREET_ZOOM + 0.5), animate: !reducedMotion() });
    } else {
      const at = feature.geometry.type === "Point" ? (feature.geometry.coordinates as [number, number]) : undefined;
      void this.#detail.open(String(feature.properties.uuid ?? feature.id), { focus: true, ...(at ? { at } : {}) });
    }
    return true;
  }

  #pickCentre(): void {
    const { clientWidth, clientHeight } = this.map.getCanvas();
    if (!this.#pick([clientWidth / 2, clientHeight / 2], 30)) this.#detail.say(word("map_nothing"));
  }

  #select(uuid: string | null, at?: [number, number]): void {
    this.#rings.choose(uuid, at);
    if (uuid) this.#config.selected = uuid;
    else delete this.#config.selected;
    setParameter("equipement", uuid);
  }

  #domainsChanged(): void {
    const shown = this.#shownDomains();
    const words = named(shown);
    setParameter("domaines", words);
    const list = this.#element.closest(".map")?.querySelector<HTMLAnchorElement>("[data-map-list]");
    if (list) {
      const address = new URL(list.href);
      if (words) address.searchParams.set("domaines", words);
      else address.searchParams.delete("domaines");
      list.href = address.href.replaceAll("%2C", ",");
    }
    // An empty list asks for empty tiles; hiding layers would read every tile again meanwhile.
    this.#assetSource()?.setTiles([tilesUrl(this.#config.asset_tiles ?? "", shown)]);
  }

  #assetSource(): VectorTileSource | undefined {
    return this.map.getSource<VectorTileSource>("assets");
  }

  #refreshAssets(): void {
    this.#stale = false;
    // Tiles are asked again with their ETag: what has not changed costs an empty answer.
    if (this.#assetSource()) this.map.refreshTiles("assets");
  }

  #redraw(): void {
    this.#drawSymbols();
    this.map.setStyle(this.#style());
    this.#rings.restyle();
  }

  #centre({ centre, asset }: Centre): void {
    const [lon, lat] = (centre ?? "").split(",").map(Number);
    if (lon === undefined || lat === undefined || Number.isNaN(lon + lat)) return;
    const here = new LngLatBounds(this.map.getBounds().getSouthWest(), this.map.getBounds().getNorthEast());
    const move = { center: [lon, lat] as [number, number], zoom: Math.max(17, this.map.getZoom()) };
    if (reducedMotion() || !here.contains([lon, lat])) this.map.jumpTo(move);
    else this.map.easeTo(move);
    if (asset) void this.#detail.open(asset, { focus: true, at: [lon, lat] });
  }
}

type Centre = { centre?: string; asset?: string };

function reducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Draw the map in its place. */
export function mount(element: HTMLElement): void {
  try {
    const city = new CityMap(element);
    // For those who measure: tests and the bench read frames and tiles from here.
    Object.assign(element, { beffroiMap: city.map });
  } catch (error) {
    console.error(error);
    const message = document.createElement("p");
    message.className = "map__fallback";
    message.textContent = word("map_failed");
    element.replaceChildren(message);
  }
}
