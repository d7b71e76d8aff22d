// What the server says of a map, and what the address says of the view.

import type { Geometry } from "geojson";

export type Domain = {
  key: string;
  label: string;
  hue: number;
  colour?: string;
  paths: string[];
};

export type MapConfig = {
  base_tiles?: string;
  base_minzoom?: number;
  base_maxzoom?: number;
  asset_tiles?: string;
  asset_minzoom?: number;
  asset_maxzoom?: number;
  raster_tiles?: string;
  raster_attribution?: string;
  raster_first?: boolean;
  bounds?: [number, number, number, number];
  domains: Domain[];
  active?: string[];
  preview_url?: string;
  attribution?: string;
  selected?: string;
  point?: [number, number];
  shape?: Geometry;
  interactive?: boolean;
};

/** From this zoom on, tiles carry the assets themselves. */
export const STREET_ZOOM = 15;

/** Zoom of a map around one asset. */
export const POINT_ZOOM = 17;

/** Pixels left around the town when a map opens on the whole of it. */
export const PADDING = 24;

/** What the address names when every service is hidden; naming nothing shows them all. */
const NONE_SHOWN = "aucun";

/** Write the services shown as the address does; null is all of them, which needs no words. */
export function named(domains: string[] | null): string | null {
  return domains && (domains.join(",") || NONE_SHOWN);
}

/** Read the configuration that stands beside the map as JSON. */
export function readConfig(element: HTMLElement): MapConfig {
  const text = document.getElementById(element.dataset.config ?? "")?.textContent;
  return { domains: [], ...(JSON.parse(text ?? "{}") as Partial<MapConfig>) };
}

/** Change a parameter of the address without loading anything; null takes it away. */
export function setParameter(name: string, value: string | null): void {
  const address = new URL(location.href);
  if (value === null) address.searchParams.delete(name);
  else address.searchParams.set(name, value);
  // Commas stay readable: the address is meant to be sent to a colleague.
  history.replaceState(history.state, "", address.href.replaceAll("%2C", ","));
}

/** Return the address of tiles with the domains shown; MapLibre wants it absolute. */
export function tilesUrl(template: string, domains: string[] | null): string {
  const [path = "", query = ""] = template.split("?");
  const parameters = new URLSearchParams(query);
  const shown = named(domains);
  if (shown) parameters.set("domaines", shown);
  const rest = parameters.toString();
  const absolute = /^https?:/.test(path) ? path : location.origin + path;
  return rest ? `${absolute}?${rest}` : absolute;
}
