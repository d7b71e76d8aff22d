// One live channel per page, shared by the map, the tables and the charts.

import { age, number, word } from "./words";

/** `[value, epoch in milliseconds, quality flag]` */
export type Reading = [number, number, number];
/** `[uuid of the asset, readings by measure]` */
export type Change = [string, Record<string, Reading>];

type State = "connecting" | "live" | "late" | "offline";

const LATE_MS = 5_000;
const SILENT_MS = 45_000; // three heartbeats of fifteen seconds
const HIDDEN_MS = 60_000;
const LONGEST_WAIT_MS = 30_000;
const MOST_ASSETS = 150; // 37 characters each: the address stays under six kilobytes

let source: EventSource | undefined;
let url = "";
let wholeTerritory = false;
let asked = "";
let failures = 0;
let retry = 0;
let hiddenTimer = 0;
let lastId = 0;
let lastHeard = 0;
let hasBeats = false;
let smallestLag = Infinity;
let lag = 0;
let lateSince = 0;
let serverDelayed = false;
let state: State = "connecting";
let index: Map<string, HTMLElement[]> | undefined;

/** Begin, when the page says where the channel is. Called again, it does nothing. */
export function startLive(): void {
  url = document.body.dataset.liveUrl ?? "";
  if (!url) return;
  open();
  window.setInterval(tick, 1000);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) open();
  });
  // A telephone that loses its network is told at once, not after three missed heartbeats. Asked
  // anew and not only noted: a server on this very machine is still there.
  for (const change of ["offline", "online"]) {
    window.addEventListener(change, () => {
      if (source) open();
    });
  }
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(hiddenTimer);
    // Browsers allow six HTTP/1.1 connections per server: a tab nobody sees gives its own back.
    if (document.hidden) hiddenTimer = window.setTimeout(close, HIDDEN_MS);
    else if (!source) open();
  });
}

/** Ask for every asset of the territory: the map does. */
export function followWholeTerritory(): void {
  if (wholeTerritory) return;
  wholeTerritory = true;
  refreshSubscription();
}

/** Look again at what the page shows, after htmx has changed it. */
export function refreshSubscription(): void {
  index = undefined;
  if (!url || !source) return;
  if (subscription() !== asked) {
    close();
    open();
  }
}

function subscription(): string {
  if (wholeTerritory) return "";
  const uuids = new Set<string>();
  for (const element of document.querySelectorAll<HTMLElement>("[data-live-asset], [data-chart-asset]")) {
    uuids.add(element.dataset.liveAsset ?? element.dataset.chartAsset ?? "");
  }
  uuids.delete("");
  return uuids.size > 0 && uuids.size <= MOST_ASSETS ? [...uuids].sort().join(",") : "";
}

function open(): void {
  close();
  window.clearTimeout(retry);
  asked = subscription();
  const address = new URL(url, location.href);
  if (asked) address.searchParams.set("assets", asked);
  // A new EventSource forgets where the former one stopped; the server reads this instead of the header.
  if (lastId) address.searchParams.set("last_event_id", String(lastId));
  source = new EventSource(address);
  source.addEventListener("open", () => {
    failures = 0;
    serverDelayed = false;
    heard();
  });
  source.addEventListener("change", (event) => {
    measureLag(event.lastEventId);
    changed(JSON.parse(event.data as string) as Change[]);
  });
  source.addEventListener("tick", () => {
    hasBeats = true;
    lag = 0; // the channel is whole: nothing is late any more
    heard();
  });
  source.addEventListener("state", (event) => {
    serverDelayed = (JSON.parse(event.data as string) as { state: string }).state === "delayed";
    heard();
  });
  source.addEventListener("closed", (event) => {
    const { reason } = JSON.parse(event.data as string) as { reason: string };
    // A session that has ended will not come back by asking again.
    if (reason !== "session") return;
    close();
    show("offline");
    document.dispatchEvent(new CustomEvent("beffroi:session-ended"));
  });
  source.addEventListener("reset", () => {
    heard();
    document.dispatchEvent(new CustomEvent("beffroi:reset"));
  });
  source.addEventListener("error", failed);
}

function close(): void {
  source?.close();
  source = undefined;
}

function failed(): void {
  show("offline");
  // The browser tries again by itself after a cut, but not after a refusal.
  if (source?.readyState !== EventSource.CLOSED) return;
  close();
  failures += 1;
  const wait = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** failures) * (0.7 + 0.6 * Math.random());
  retry = window.setTimeout(open, wait);
}

function heard(): void {
  lastHeard = Date.now();
  judge();
}

function measureLag(id: string): void {
  const micros = Number(id);
  if (Number.isFinite(micros) && micros > 0) {
    lastId = micros;
    // Clocks differ: the smallest difference ever seen is taken for that of the clocks.
    const raw = Date.now() - micros / 1000;
    smallestLag = Math.min(smallestLag, raw);
    lag = raw - smallestLag;
  }
  heard();
}

/** Say how the channel is: late when changes come late, or when nothing at all is heard. */
function judge(): void {
  if (!source || source.readyState !== EventSource.OPEN) return;
  const quiet = Date.now() - lastHeard;
  const silent = hasBeats && quiet > SILENT_MS;
  if (!silent && !serverDelayed && lag < LATE_MS) {
    lateSince = 0;
    show("live");
    return;
  }
  lateSince ||= Date.now() - Math.max(lag, silent ? quiet : 0);
  show("late", Math.round((Date.now() - lateSince) / 1000));
}

function changed(changes: Change[]): void {
  for (const [uuid, readings] of changes) {
    for (const [measure, reading] of Object.entries(readings)) {
      for (const element of elementsOf(uuid, measure)) write(element, reading);
    }
  }
  document.dispatchEvent(new CustomEvent<Change[]>("beffroi:change", { detail: changes }));
}

function elementsOf(uuid: string, measure: string): HTMLElement[] {
  if (!index) {
    index = new Map();
    for (const element of document.querySelectorAll<HTMLElement>("[data-live-asset][data-live-measure]")) {
      const key = `${element.dataset.liveAsset} ${element.dataset.liveMeasure}`;
      const listed = index.get(key);
      if (listed) listed.push(element);
      else index.set(key, [element]);
    }
  }
  return index.get(`${uuid} ${measure}`) ?? [];
}

function write(element: HTMLElement, [value, at, quality]: Reading): void {
  const choices = element.dataset.choices?.split("|");
  const place = element.querySelector("[data-live-value]") ?? element;
  place.textContent = choices
    ? (choices[Math.round(value)] ?? String(value))
    : number(value, Number(element.dataset.decimals ?? 1));
  const ageOf = element.querySelector("[data-live-age]");
  let time = ageOf?.querySelector<HTMLTimeElement>("time[data-age]");
  if (ageOf && !time) {
    // It had never reported until now.
    time = document.createElement("time");
    time.dataset.age = "";
    ageOf.replaceChildren(time);
  }
  if (time) {
    time.dateTime = new Date(at).toISOString();
    time.removeAttribute("title");
    time.textContent = age(at, Date.now());
  }
  const doubtful = quality >= 3;
  element.classList.toggle("reading--doubtful", doubtful);
  element.querySelector("[data-live-quality]")?.toggleAttribute("hidden", !doubtful);
  element.classList.remove("is-fresh");
  void element.offsetWidth; // restarts the animation
  element.classList.add("is-fresh");
}

function tick(): void {
  judge();
  tickAges(Date.now());
}

/** Bring the ages on screen up to date. */
export function tickAges(now = Date.now()): void {
  for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-age]")) {
    const text = age(Date.parse(time.dateTime), now);
    if (time.textContent !== text) time.textContent = text;
  }
}

function show(next: State, seconds = 0): void {
  const changedState = next !== state;
  state = next;
  document.documentElement.dataset.live = next;
  for (const element of document.querySelectorAll<HTMLElement>("[data-live-state]")) {
    element.className = `live live--${next}`;
    const text = element.querySelector<HTMLElement>(".live__text");
    const words = word(next, seconds);
    if (text && text.textContent !== words) text.textContent = words;
  }
  if (changedState) document.dispatchEvent(new CustomEvent("beffroi:live-state", { detail: next }));
}
