// Our own style: a quiet town, and assets that raise their voice only when something is wrong.

import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from "maplibre-gl";
import { type MapConfig, STREET_ZOOM, tilesUrl } from "./config";
import { domainColour } from "./symbols";

type Colour = (name: string) => string;

// Without `glyphs` MapLibre draws labels with the computer's own font. It reads the weight in the
// name, then falls back on sans-serif since no font is called so.
const FONT = ["sans-serif"];
const BOLD = ["Beffroi Bold"];

// Tiles and GeoJSON may both hold several parts in one feature.
const POINTS: ExpressionSpecification = ["in", ["geometry-type"], ["literal", ["Point", "MultiPoint"]]];
const LINES: ExpressionSpecification = ["in", ["geometry-type"], ["literal", ["LineString", "MultiLineString"]]];
const AREAS: ExpressionSpecification = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]];

const MAIN = ["motorway", "trunk", "primary", "main"];
const MIDDLE = ["secondary", "tertiary", "distributor"];
const PATHS = ["path", "footway", "cycleway", "pedestrian", "track", "steps", "service"];

function width(main: number[], middle: number[], local: number[], path: number[]): ExpressionSpecification {
  const stops = [11, 13, 15, 17, 19];
  const of = (row: number): ExpressionSpecification => [
    "match", ["get", "class"],
    MAIN, main[row] ?? 1,
    MIDDLE, middle[row] ?? 1,
    PATHS, path[row] ?? 1,
    local[row] ?? 1,
  ];
  return [
    "interpolate", ["exponential", 1.5], ["zoom"],
    ...stops.flatMap((zoom, row) => [zoom, of(row)]),
  ] as ExpressionSpecification;
}

function baseLayers(colour: Colour): LayerSpecification[] {
  const base = (id: string, sourceLayer: string, rest: object): LayerSpecification =>
    ({ id: `base-${id}`, source: "base", "source-layer": sourceLayer, ...rest }) as LayerSpecification;
  return [
    base("park", "park", { type: "fill", filter: AREAS, paint: { "fill-color": colour("map-park") } }),
    base("water", "water", {
      type: "fill", filter: AREAS,
      paint: { "fill-color": colour("map-water") },
    }),
    base("water-line", "water", {
      type: "line", filter: LINES,
      paint: {
        "line-color": colour("map-water"),
        "line-width": ["interpolate", ["linear"], ["zoom"], 11, 1, 17, 5],
      },
    }),
    base("pedestrian", "pedestrian", {
      type: "fill", minzoom: 13, paint: { "fill-color": colour("map-building"), "fill-opacity": 0.5 },
    }),
    base("building", "building", {
      type: "fill", minzoom: 13,
      paint: {
        "fill-color": colour("map-building"),
        "fill-outline-color": colour("map-building-edge"),
        "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0.4, 15, 1],
      },
    }),
    base("street-edge", "street", {
      // Further away it is half a pixel wide, and costs as much to read as the streets themselves.
      type: "line", minzoom: 13,
      filter: ["!", ["in", ["get", "class"], ["literal", PATHS]]],
      layout: { "line-cap": "round", "line-join": "round" },
      paint: {
        "line-color": colour("map-street-edge"),
        "line-width": width([2.6, 4.6, 9, 19, 42], [1.8, 3.4, 7.5, 15, 36], [0.9, 1.9, 5, 11, 28], [0, 0, 0, 0, 0]),
      },
    }),
    base("street", "street", {
      type: "line",
      layout: {
        "line-cap": "round", "line-join": "round",
        "line-sort-key": ["match", ["get", "class"], MAIN, 3, MIDDLE, 2, PATHS, 0, 1],
      },
      paint: {
        "line-color": [
          "match", ["get", "class"], MAIN, colour("map-street-main"), PATHS, colour("map-path"), colour("map-street"),
        ],
        "line-width": width([1.8, 3.4, 7.4, 17, 40], [1.1, 2.4, 6.2, 13.5, 34], [0.4, 1.1, 3.8, 9.6, 26], [0.2, 0.4, 1, 2, 4]),
      },
    }),
    base("district", "district", {
      type: "line", minzoom: 11, filter: ["!", POINTS],
      paint: { "line-color": colour("map-boundary"), "line-opacity": 0.22, "line-dasharray": [3, 3] },
    }),
    base("boundary", "boundary", {
      type: "line",
      paint: {
        "line-color": colour("map-boundary"), "line-opacity": 0.7,
        "line-width": ["interpolate", ["linear"], ["zoom"], 9, 1, 14, 2.2],
      },
    }),
  ];
}

function baseLabels(colour: Colour): LayerSpecification[] {
  const halo = { "text-color": colour("map-text"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.4 };
  return [
    {
      id: "base-street-name", type: "symbol", source: "base", "source-layer": "street", minzoom: 14,
      filter: ["has", "name"],
      layout: {
        "symbol-placement": "line", "symbol-spacing": 320,
        "symbol-sort-key": ["match", ["get", "class"], MAIN, 0, MIDDLE, 1, 2],
        "text-field": ["get", "name"], "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 14, 10, 18, 13],
        "text-max-angle": 30, "text-padding": 8,
      },
      paint: halo,
    },
    {
      id: "base-district-name", type: "symbol", source: "base", "source-layer": "district", minzoom: 11, maxzoom: 17,
      // An area is cut by tiles: its name stands on a point of the same layer, so that it comes once.
      filter: ["all", ["has", "name"], POINTS],
      layout: {
        "text-field": ["get", "name"], "text-font": BOLD, "text-size": ["interpolate", ["linear"], ["zoom"], 11, 10, 15, 14],
        "text-letter-spacing": 0.04, "text-max-width": 8, "text-padding": 16,
      },
      paint: { ...halo, "text-opacity": 0.85 },
    },
    {
      id: "base-park-name", type: "symbol", source: "base", "source-layer": "park", minzoom: 14,
      filter: ["all", ["has", "name"], POINTS],
      layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 11, "text-max-width": 8, "text-padding": 8 },
      paint: { ...halo, "text-color": colour("map-park-text") },
    },
  ];
}

/** Number of alarms of a square, under either of its names. */
const ALARMS: ExpressionSpecification = ["to-number", ["coalesce", ["get", "alarm"], ["get", "w"], 0]];
const STATE: ExpressionSpecification = ["to-number", ["coalesce", ["get", "state"], 0]];

function assetLayers(config: MapConfig, colour: Colour): LayerSpecification[] {
  const byDomain = (fallback: string): ExpressionSpecification | string => {
    const cases = config.domains.flatMap((domain) => [domain.key, domainColour(domain, colour)]);
    return cases.length
      ? (["match", ["get", "domain"], ...cases, fallback] as unknown as ExpressionSpecification)
      : fallback;
  };
  const layer = (id: string, sourceLayer: string, rest: object): LayerSpecification =>
    ({ id, source: "assets", "source-layer": sourceLayer, ...rest }) as LayerSpecification;
  const count: ExpressionSpecification = ["to-number", ["get", "n"]];
  return [
    layer("cells", "cells", {
      type: "circle", maxzoom: STREET_ZOOM,
      layout: { "circle-sort-key": ["-", 0, count] },
      paint: {
        "circle-color": ["case", [">=", count, 10], colour("surface"), byDomain(colour("muted"))],
        "circle-opacity": 0.92,
        "circle-radius": ["interpolate", ["linear"], ["ln", count], 0, 2.5, 2.2, 5, 2.31, 8, 4.6, 11, 7, 15],
        "circle-stroke-color": ["case", [">=", count, 10], byDomain(colour("muted")), colour("map-land")],
        "circle-stroke-width": ["interpolate", ["linear"], ["ln", count], 2.2, 1, 2.31, 1.5, 7, 2.5],
      },
    }),
    layer("cells-count", "cells", {
      type: "symbol", maxzoom: STREET_ZOOM,
      filter: [">=", count, 10],
      layout: {
        "text-field": ["case", [">=", count, 1000],
          ["concat", ["to-string", ["round", ["/", count, 1000]]], "k"], ["to-string", count]],
        "text-font": BOLD, "text-size": ["interpolate", ["linear"], ["ln", count], 2.3, 9.5, 7, 12],
        "text-allow-overlap": true, "text-ignore-placement": true,
      },
      paint: { "text-color": colour("text") },
    }),
    layer("cells-alarm", "cells", {
      type: "symbol", maxzoom: STREET_ZOOM,
      filter: [">", ALARMS, 0],
      layout: {
        "icon-image": "state-alarm", "icon-size": 0.62, "icon-offset": [17, -17],
        "icon-allow-overlap": true, "icon-ignore-placement": true,
        "text-field": ["case", [">", ALARMS, 1], ["to-string", ALARMS], ""],
        "text-font": BOLD, "text-size": 11, "text-anchor": "left", "text-offset": [1.75, -0.95],
        "text-allow-overlap": true, "text-ignore-placement": true,
        "symbol-sort-key": ALARMS,
      },
      paint: { "text-color": colour("alarm"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.6 },
    }),
    layer("assets-point", "assets", {
      type: "circle", minzoom: STREET_ZOOM,
      layout: { "circle-sort-key": STATE },
      paint: {
        "circle-color": byDomain(colour("muted")),
        "circle-radius": ["interpolate", ["linear"], ["zoom"], STREET_ZOOM, 3.2, 16, 4, 18, 6],
        "circle-opacity": ["case", ["==", STATE, 0], 0.75, 1],
        "circle-stroke-color": colour("map-land"),
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], STREET_ZOOM, 0.7, 17, 1.2],
      },
    }),
    layer("assets-symbol", "assets", {
      type: "symbol", minzoom: 17,
      layout: {
        "icon-image": ["concat", "domain-", ["get", "domain"]],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 17, 0.5, 19, 0.75],
        "icon-allow-overlap": false, "icon-padding": 0,
        "symbol-sort-key": ["-", 0, STATE],
        "text-field": ["step", ["zoom"], "", 18, ["coalesce", ["get", "name"], ""]],
        "text-font": FONT, "text-size": 11, "text-anchor": "top", "text-offset": [0, 1.3], "text-optional": true,
      },
      paint: { "text-color": colour("map-text"), "text-halo-color": colour("map-halo"), "text-halo-width": 1.4 },
    }),
    layer("assets-state", "assets", {
      type: "symbol", minzoom: STREET_ZOOM,
      filter: [">", STATE, 0],
      layout: {
        "icon-image": ["match", STATE, 1, "state-attention", 2, "state-alarm", "state-silent"],
        "icon-size": ["interpolate", ["linear"], ["zoom"],
          STREET_ZOOM, ["match", STATE, 2, 0.8, 1, 0.65, 0.5], 18, ["match", STATE, 2, 1, 1, 0.9, 0.8]],
        "icon-allow-overlap": true, "icon-ignore-placement": true,
        // The highest key is drawn last: silent, attention, then alarm above all.
        "symbol-sort-key": ["match", STATE, 2, 3, 1, 2, 1],
        "symbol-z-order": "source",
      },
    }),
  ];
}

function ownLayers(config: MapConfig, colour: Colour): LayerSpecification[] {
  return [
    { id: "own-fill", type: "fill", source: "own", filter: AREAS,
      paint: { "fill-color": colour("town-secondary"), "fill-opacity": 0.18 } },
    { id: "own-line", type: "line", source: "own", filter: ["!", POINTS],
      paint: { "line-color": colour("town-secondary-text"), "line-width": 3 } },
    { id: "own-point", type: "circle", source: "own", filter: POINTS,
      paint: { "circle-radius": config.shape?.type === "MultiPoint" ? 4 : 8, "circle-color": colour("town-secondary"),
        "circle-stroke-color": colour("surface"), "circle-stroke-width": config.shape?.type === "MultiPoint" ? 1 : 3 } },
  ];
}

/** Write the whole style, in the present theme. */
export function buildStyle(config: MapConfig, colour: Colour, active: string[] | null, raster: boolean): StyleSpecification {
  const style: StyleSpecification = {
    version: 8,
    sources: {},
    layers: [{ id: "land", type: "background", paint: { "background-color": colour("map-land") } }],
  };
  const showBase = config.base_tiles && !raster;
  if (config.raster_tiles && raster) {
    style.sources.raster = {
      type: "raster", tiles: [tilesUrl(config.raster_tiles, null)], tileSize: 256,
      attribution: config.raster_attribution ?? "",
    };
    style.layers.push({ id: "raster", type: "raster", source: "raster", paint: { "raster-saturation": -0.35 } });
  }
  if (config.base_tiles && showBase) {
    style.sources.base = {
      type: "vector", tiles: [tilesUrl(config.base_tiles, null)],
      minzoom: config.base_minzoom ?? 10, maxzoom: config.base_maxzoom ?? 15,
    };
    style.layers.push(...baseLayers(colour), ...baseLabels(colour));
  }
  if (config.shape ?? config.point) {
    const geometry = config.shape ?? { type: "Point", coordinates: config.point ?? [0, 0] };
    style.sources.own = { type: "geojson", data: { type: "Feature", properties: {}, geometry } };
  }
  if (config.asset_tiles) {
    style.sources.assets = {
      type: "vector", tiles: [tilesUrl(config.asset_tiles, active)],
      minzoom: config.asset_minzoom ?? 6, maxzoom: config.asset_maxzoom ?? 17,
    };
    style.layers.push(...assetLayers(config, colour));
  }
  if (style.sources.own) style.layers.push(...ownLayers(config, colour));
  return style;
}
