// The first tiles, asked for while the map's script is still on its way: it finds them in the
// browser's cache. A wrong guess costs a request and nothing else.

import { type MapConfig, PADDING, POINT_ZOOM, readConfig, tilesUrl } from "./config";

const TILE_PX = 512;
const MOST = 30; // a screen of ordinary size shows six to twenty, of both sources together

type View = { x: number; y: number; zoom: number };

/** Ask for the tiles of the view that the map is going to open. */
export function fetchFirstTiles(element: HTMLElement): void {
  const config = readConfig(element);
  const { clientWidth: width, clientHeight: height } = element;
  const view = viewOf(config, width, height);
  if (!view || !width || !height) return;
  const shown = config.active?.length ? config.active : null;
  const town = config.raster_tiles && config.raster_first ? undefined : config.base_tiles;
  const sources: [string, number, number][] = [];
  if (town) sources.push([tilesUrl(town, null), config.base_minzoom ?? 10, config.base_maxzoom ?? 15]);
  if (config.asset_tiles) {
    sources.push([tilesUrl(config.asset_tiles, shown), config.asset_minzoom ?? 6, config.asset_maxzoom ?? 17]);
  }
  const addresses = sources.flatMap(([template, minzoom, maxzoom]) =>
    view.zoom < minzoom ? [] : covering(view, width, height, maxzoom).map((tile) => filled(template, tile)),
  );
  // What fails is asked for again by the map, which says so.
  for (const address of addresses.slice(0, MOST)) void fetch(address).then((answer) => answer.arrayBuffer()).catch(() => undefined);
}

/** Middle, from 0 to 1 of the world, and zoom of the map when it opens. */
function viewOf(config: MapConfig, width: number, height: number): View | undefined {
  const own = config.interactive !== false && !config.point;
  const [zoom, lat, lon] = own ? location.hash.slice(1).split("/").map(Number) : [];
  if (zoom && lat !== undefined && lon !== undefined && Number.isFinite(zoom + lat + lon)) return { x: worldX(lon), y: worldY(lat), zoom };
  if (config.point) return { x: worldX(config.point[0]), y: worldY(config.point[1]), zoom: POINT_ZOOM };
  if (!config.bounds) return undefined;
  const [west, south, east, north] = config.bounds;
  const [left, top, right, bottom] = [worldX(west), worldY(north), worldX(east), worldY(south)];
  const scale = Math.min((width - 2 * PADDING) / (right - left), (height - 2 * PADDING) / (bottom - top));
  return { x: (left + right) / 2, y: (top + bottom) / 2, zoom: Math.log2(scale / TILE_PX) };
}

function covering(view: View, width: number, height: number, maxzoom: number): [number, number, number][] {
  const z = Math.min(Math.floor(view.zoom), maxzoom);
  const world = TILE_PX * 2 ** view.zoom;
  const side = 2 ** z;
  const tiles: [number, number, number][] = [];
  for (let x = Math.floor((view.x - width / 2 / world) * side); x < (view.x + width / 2 / world) * side; x += 1) {
    for (let y = Math.floor((view.y - height / 2 / world) * side); y < (view.y + height / 2 / world) * side; y += 1) {
      if (x >= 0 && y >= 0 && x < side && y < side) tiles.push([z, x, y]);
    }
  }
  return tiles;
}

function filled(template: string, [z, x, y]: [number, number, number]): string {
  return template.replace("{z}", String(z)).replace("{x}", String(x)).replace("{y}", String(y));
}

function worldX(lon: number): number {
  return (lon + 180) / 360;
}

function worldY(lat: number): number {
  return (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2;
}
