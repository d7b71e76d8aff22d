// Every page: htmx, small improvements, the live channel, and the islands that the page holds.

import htmx from "htmx.org";
import { listen, prepare } from "./enhancements";
import { fetchFirstTiles } from "./map/first-tiles";
import { refreshSubscription, startLive, tickAges } from "./live";

type Island = { mount(element: HTMLElement): void | Promise<void> };

const islands: Record<string, () => Promise<Island>> = {
  map: () => import("./map"),
  chart: () => import("./chart"),
  place: () => import("./place"),
};

function mountIslands(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLElement>("[data-island]:not([data-mounted])")) {
    const load = islands[element.dataset.island ?? ""];
    if (!load) continue;
    element.dataset.mounted = "";
    if (element.dataset.island === "map") fetchFirstTiles(element);
    void load().then((island) => island.mount(element));
  }
}

// A module runs after the document is parsed: nothing to wait for.
listen();
prepare(document);
mountIslands(document);
startLive();
if (!document.body.dataset.liveUrl) window.setInterval(tickAges, 1000);

function brought(part: EventTarget | null): void {
  if (!(part instanceof HTMLElement) || part === document.body) return;
  prepare(part);
  mountIslands(part);
  refreshSubscription();
}

document.addEventListener("htmx:load", (event) => brought(event.target));

// A fragment that an island has fetched by itself, as the map does for an asset.
document.addEventListener("beffroi:inserted", (event) => {
  htmx.process(event.target as HTMLElement);
  brought(event.target);
});
