// Rings over the map: around what has just reported, and around the asset that is chosen.
//
// They are drawn on a canvas of their own. Feature states and filters would have MapLibre read its
// tiles again at each change, and it mixes up a tile that is read again while it is replaced.

import type { Map as MapLibreMap } from "maplibre-gl";
import { palette } from "../theme";
import { STREET_ZOOM } from "./config";

const LASTS_MS = 1_200;
const MOST = 400; // beyond, the eye follows nothing and the computer works for nothing

type Flash = { at: [number, number]; begun: number };

export class Rings {
  readonly #map: MapLibreMap;
  readonly #canvas = document.createElement("canvas");
  readonly #flashes = new Map<string, Flash>();
  readonly #places = new Map<string, [number, number]>();
  #placesKnown = false;
  #frame = 0;
  #colour = "";
  #chosenColour = "";
  #chosen = "";
  #chosenAt: [number, number] | undefined;

  constructor(map: MapLibreMap) {
    this.#map = map;
    this.#canvas.className = "map__rings";
    this.#canvas.setAttribute("aria-hidden", "true");
    map.getCanvasContainer().append(this.#canvas);
    this.restyle();
    const forget = () => (this.#placesKnown = false);
    map.on("moveend", forget);
    map.on("idle", forget);
    map.on("render", () => {
      if (this.#chosen && !this.#frame) this.#draw(performance.now());
    });
    map.on("idle", () => this.#findChosen());
  }

  /** Ring this asset until another is chosen; without a place it is looked for on screen. */
  choose(uuid: string | null, at?: [number, number]): void {
    this.#chosen = uuid ?? "";
    this.#chosenAt = at;
    this.#findChosen();
    this.#draw(performance.now());
  }

  #findChosen(): void {
    if (!this.#chosen || this.#chosenAt) return;
    this.#findPlaces();
    this.#chosenAt = this.#places.get(this.#chosen);
    if (this.#chosenAt) this.#draw(performance.now());
  }

  /** Take the colour of the present theme. */
  restyle(): void {
    const colour = palette(this.#map.getContainer());
    this.#colour = colour("town-secondary-text");
    this.#chosenColour = colour("focus");
    this.#draw(performance.now());
  }

  /** Ring these assets, those of them that are on screen. */
  add(uuids: string[]): void {
    if (document.hidden || this.#map.getZoom() < STREET_ZOOM) return;
    this.#findPlaces();
    const begun = performance.now();
    for (const uuid of uuids) {
      const at = this.#places.get(uuid);
      if (at && (this.#flashes.size < MOST || this.#flashes.has(uuid))) this.#flashes.set(uuid, { at, begun });
    }
    if (this.#flashes.size && !this.#frame) this.#frame = requestAnimationFrame((time) => this.#draw(time));
  }

  /** Read where the assets on screen are, from the tiles; kept until the map moves or changes. */
  #findPlaces(): void {
    if (this.#placesKnown || !this.#map.getSource("assets")) return;
    this.#places.clear();
    for (const feature of this.#map.querySourceFeatures("assets", { sourceLayer: "assets" })) {
      if (feature.geometry.type === "Point") {
        this.#places.set(String(feature.properties.uuid), feature.geometry.coordinates as [number, number]);
      }
    }
    this.#placesKnown = true;
  }

  #draw(time: number): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { clientWidth: width, clientHeight: height } = this.#map.getCanvas();
    const ratio = Math.min(2, window.devicePixelRatio);
    const pixels: [number, number] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== pixels[0] || this.#canvas.height !== pixels[1]) {
      [this.#canvas.width, this.#canvas.height] = pixels;
    }
    const context = this.#canvas.getContext("2d");
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.strokeStyle = this.#colour;
    context.lineWidth = 2.5;
    // Someone who asks for less motion sees a still ring for the same time.
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [uuid, { at, begun }] of this.#flashes) {
      const passed = (time - begun) / LASTS_MS;
      if (passed >= 1) {
        this.#flashes.delete(uuid);
        continue;
      }
      const { x, y } = this.#map.project(at);
      if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
      context.globalAlpha = still ? 0.9 : 1 - Math.max(0, passed);
      context.beginPath();
      context.arc(x, y, still ? 10 : 5 + 14 * Math.max(0, passed), 0, 2 * Math.PI);
      context.stroke();
    }
    context.globalAlpha = 1;
    this.#drawChosen(context);
    if (this.#flashes.size) this.#frame = requestAnimationFrame((next) => this.#draw(next));
  }

  #drawChosen(context: CanvasRenderingContext2D): void {
    if (!this.#chosenAt) return;
    const { x, y } = this.#map.project(this.#chosenAt);
    context.beginPath();
    context.arc(x, y, this.#map.getZoom() >= 17 ? 18 : 12, 0, 2 * Math.PI);
    context.strokeStyle = this.#chosenColour;
    context.lineWidth = 3;
    context.stroke();
  }
}
