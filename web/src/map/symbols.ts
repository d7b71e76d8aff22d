// Symbols drawn at run time: no image files, sharp at any density, right in both themes.

import type { Map as MapLibreMap } from "maplibre-gl";
import { palette } from "../theme";
import type { Domain } from "./config";

const SIZE = 44; // device-independent pixels of a domain's symbol, before icon-size
const MARK = 28;

function canvas(size: number, ratio: number): CanvasRenderingContext2D {
  const element = document.createElement("canvas");
  element.width = element.height = Math.round(size * ratio);
  const context = element.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no 2d canvas");
  context.scale(ratio, ratio);
  context.lineJoin = context.lineCap = "round";
  return context;
}

function put(map: MapLibreMap, name: string, context: CanvasRenderingContext2D, ratio: number): void {
  const { width, height } = context.canvas;
  const image = context.getImageData(0, 0, width, height);
  if (map.hasImage(name)) map.removeImage(name);
  map.addImage(name, image, { pixelRatio: ratio });
}

/** A disc of the domain's colour with its icon in it. */
function domainSymbol(paths: string[], colour: string, surface: string, ratio: number): CanvasRenderingContext2D {
  const context = canvas(SIZE, ratio);
  const middle = SIZE / 2;
  context.beginPath();
  context.arc(middle, middle, middle - 3, 0, 2 * Math.PI);
  context.fillStyle = surface;
  context.fill();
  context.lineWidth = 2.5;
  context.strokeStyle = colour;
  context.stroke();
  context.translate(middle - 12, middle - 12);
  context.lineWidth = 1.8;
  for (const path of paths) context.stroke(new Path2D(path));
  return context;
}

/** The shape of a state, the same as beside a word in a list. */
function stateMark(state: string, colour: string, surface: string, ratio: number): CanvasRenderingContext2D {
  const context = canvas(MARK, ratio);
  const m = MARK / 2;
  const shape = new Path2D();
  if (state === "attention") {
    shape.moveTo(m, 4);
    shape.lineTo(MARK - 3.5, MARK - 5);
    shape.lineTo(3.5, MARK - 5);
  } else if (state === "alarm") {
    shape.moveTo(m, 2.5);
    shape.lineTo(MARK - 2.5, m);
    shape.lineTo(m, MARK - 2.5);
    shape.lineTo(2.5, m);
  } else {
    shape.arc(m, m, 7, 0, 2 * Math.PI);
  }
  shape.closePath();
  context.lineWidth = 4;
  context.strokeStyle = surface;
  context.stroke(shape);
  if (state === "silent") {
    context.fillStyle = surface;
    context.fill(shape);
    context.lineWidth = 2.2;
    context.strokeStyle = colour;
    context.stroke(shape);
    context.beginPath();
    context.moveTo(m - 4.9, m + 4.9);
    context.lineTo(m + 4.9, m - 4.9);
    context.stroke();
    return context;
  }
  context.fillStyle = colour;
  context.fill(shape);
  context.strokeStyle = context.fillStyle = surface;
  context.lineWidth = 2.4;
  context.beginPath();
  context.moveTo(m, m - 5 + (state === "attention" ? 2 : 0));
  context.lineTo(m, m + 1.5 + (state === "attention" ? 1 : 0));
  context.stroke();
  context.beginPath();
  context.arc(m, m + 5.2 + (state === "attention" ? 0.6 : 0), 1.5, 0, 2 * Math.PI);
  context.fill();
  return context;
}

/** Colour of a domain, its own or the palette's. */
export function domainColour(domain: Domain, colour: (name: string) => string): string {
  return domain.colour ?? colour(`domain-${domain.hue}`);
}

const MARKS: Record<string, string> = { attention: "attention-fill", alarm: "alarm-fill", silent: "silent" };

/** Draw each symbol when the map first asks for it; returns what draws them again, after a change of theme. */
export function offerSymbols(map: MapLibreMap, domains: Domain[], host: HTMLElement): () => void {
  const drawn = new Set<string>();
  const ratio = Math.min(3, Math.max(1, window.devicePixelRatio));
  const draw = (name: string): void => {
    drawn.add(name);
    const key = name.slice(name.indexOf("-") + 1);
    const colour = palette(host);
    const surface = colour("surface");
    if (name.startsWith("domain-")) {
      const domain = domains.find((one) => one.key === key);
      // A service that is no longer installed leaves its assets behind: they get a plain disc.
      const ink = domain ? domainColour(domain, colour) : colour("muted");
      put(map, name, domainSymbol(domain?.paths ?? [], ink, surface, ratio), ratio);
    } else if (MARKS[key]) {
      put(map, name, stateMark(key, colour(MARKS[key]), surface, ratio), ratio);
    }
  };
  map.setMissingStyleImageResolver(draw);
  return () => drawn.forEach(draw);
}
