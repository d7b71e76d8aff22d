// A time series: mean line, band of extremes, gaps as gaps; it zooms by asking the server for more.

import uPlot from "uplot";
import "./chart/chart.css";
import { doubtful, fetchSeries, hasBand, instant, type Period, type Series, ticks } from "./chart/data";
import type { Change } from "./live";
import { onThemeChange, palette } from "./theme";
import { number, timeZone, word } from "./words";

const HEIGHT = 240;
const SMALLEST_ZOOM_S = 60;
const RANGE = "beffroi:range";

class Chart {
  readonly #figure: HTMLElement;
  readonly #place: HTMLElement;
  readonly #reading: HTMLElement | null;
  readonly #reset: HTMLElement | null;
  #plot: uPlot | undefined;
  #series: Series | undefined;
  #period: Period = null;
  #asked: AbortController | undefined;

  constructor(figure: HTMLElement) {
    const place = figure.querySelector<HTMLElement>("[data-chart-plot]");
    if (!place) throw new Error("a chart has no [data-chart-plot]");
    this.#figure = figure;
    this.#place = place;
    this.#reading = figure.querySelector("[data-chart-reading]");
    this.#reset = figure.querySelector("[data-chart-reset]");
    this.#period = periodOfAddress();
    this.#listen();
    void this.#load();
  }

  #listen(): void {
    this.#place.tabIndex = 0;
    this.#place.setAttribute("role", "application");
    this.#place.setAttribute("aria-label", `${this.#figure.dataset.label ?? ""}. ${word("chart_keys")}`);
    this.#place.addEventListener("keydown", (event) => this.#onKey(event));
    this.#place.addEventListener("dblclick", () => share(null));
    this.#reset?.addEventListener("click", () => share(null));
    // All the charts of a page show the same period: one looks for causes across them.
    document.addEventListener(RANGE, (event) => {
      this.#period = (event as CustomEvent<Period>).detail;
      void this.#load();
    });
    document.addEventListener("beffroi:change", (event) => this.#append((event as CustomEvent<Change[]>).detail));
    onThemeChange(() => this.#draw());
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT })).observe(this.#place);
  }

  async #load(): Promise<void> {
    const src = this.#figure.dataset.src;
    if (!src) return;
    this.#asked?.abort();
    const asked = new AbortController();
    this.#asked = asked;
    this.#place.classList.add("is-loading");
    if (!this.#plot) this.#tell(word("chart_loading"));
    try {
      this.#series = await fetchSeries(src, this.#period, asked.signal);
    } catch {
      if (asked.signal.aborted) return;
      this.#tell(word("chart_failed"));
      return;
    } finally {
      if (this.#asked === asked) this.#place.classList.remove("is-loading");
    }
    this.#reset?.toggleAttribute("hidden", this.#period === null);
    this.#draw();
  }

  #tell(text: string): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    const message = document.createElement("p");
    message.className = "chart__message";
    message.textContent = text;
    this.#place.replaceChildren(message);
  }

  #draw(): void {
    const series = this.#series;
    if (!series) return;
    if (!series.mean.some((value) => value !== null)) {
      this.#tell(word("chart_empty"));
      return;
    }
    this.#plot?.destroy();
    this.#place.replaceChildren();
    this.#plot = new uPlot(this.#options(series), this.#data(series), this.#place);
  }

  #data(series: Series): uPlot.AlignedData {
    const band = hasBand(series);
    const columns: (number | null)[][] = [series.mean];
    if (band) columns.push(series.max ?? [], series.min ?? []);
    columns.push(doubtful(series));
    return [series.t, ...columns] as uPlot.AlignedData;
  }

  #options(series: Series): uPlot.Options {
    const colour = palette(this.#place);
    const band = hasBand(series);
    const line = colour("town-primary-text");
    const grid = { stroke: colour("line"), width: 1 };
    const font = `12px ${getComputedStyle(this.#place).fontFamily}`;
    const stepped = series.choices && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
    const lines: uPlot.Series[] = [
      {},
      { label: series.label, stroke: line, width: 1.75, spanGaps: false, points: { size: 5 }, ...stepped },
    ];
    if (band) {
      const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
      lines.push({ ...edge, label: word("chart_max") }, { ...edge, label: word("chart_min") });
    }
    lines.push({
      label: word("chart_doubtful"), stroke: colour("attention-fill"), paths: () => null,
      points: { show: true, size: 9, width: 2, stroke: colour("attention-fill"), fill: colour("surface") },
    });
    return {
      width: this.#place.clientWidth || 600,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), timeZone),
      legend: { show: false },
      series: lines,
      ...(band ? { bands: [{ series: [2, 3], fill: translucent(line) }] } : {}),
      scales: {
        x: this.#period ? { range: () => [this.#period?.from ?? 0, this.#period?.to ?? 0] } : {},
        y: series.choices ? { range: () => [-0.2, (series.choices?.length ?? 1) - 0.8] } : {},
      },
      axes: [
        {
          stroke: colour("muted"), font, grid: { show: false }, ticks: grid, size: 44, gap: 4,
          values: (_plot, splits, _axis, _space, increment) => ticks(splits, increment),
        },
        {
          stroke: colour("muted"), font, grid, ticks: { show: false }, gap: 6,
          size: (_plot, values) => 16 + 7 * Math.max(3, ...(values ?? []).map((value) => value.length)),
          ...(series.choices
            ? { splits: () => (series.choices ?? []).map((_choice, place) => place),
                values: (_plot: uPlot, splits: number[]) => splits.map((split) => series.choices?.[split] ?? "") }
            : { values: (_plot: uPlot, splits: number[], _a: number, _s: number, increment: number) =>
                splits.map((split) => number(split, decimalsOf(increment))) }),
        },
      ],
      cursor: {
        drag: { x: true, y: false, setScale: false },
        sync: { key: "beffroi" },
        points: { size: 8 },
      },
      hooks: {
        setSelect: [(plot) => this.#selected(plot)],
        setCursor: [(plot) => this.#read(plot)],
      },
    };
  }

  #selected(plot: uPlot): void {
    if (plot.select.width < 4) return;
    const from = plot.posToVal(plot.select.left, "x");
    const to = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (to - from >= SMALLEST_ZOOM_S) share({ from, to });
  }

  #read(plot: uPlot): void {
    const series = this.#series;
    const place = plot.cursor.idx;
    if (!this.#reading || !series) return;
    if (place === null || place === undefined) {
      this.#reading.textContent = "";
      return;
    }
    // Speech follows the keyboard; a mouse passes over a hundred values a second.
    this.#reading.setAttribute("aria-live", this.#place.matches(":focus-visible") ? "polite" : "off");
    this.#reading.textContent = this.#sentence(series, place);
  }

  #sentence(series: Series, place: number): string {
    const decimals = Number(this.#figure.dataset.decimals ?? 1);
    const when = instant(series.t[place] ?? 0, series.step);
    const value = series.mean[place];
    if (value === null || value === undefined) return `${when} : ${word("chart_gap")}`;
    const text = series.choices ? (series.choices[Math.round(value)] ?? String(value)) : number(value, decimals);
    const parts = [`${when} : ${text} ${series.unit}`.trim()];
    const low = series.min?.[place];
    const high = series.max?.[place];
    if (hasBand(series) && typeof low === "number" && typeof high === "number") {
      parts.push(`${word("chart_min")} ${number(low, decimals)}, ${word("chart_max")} ${number(high, decimals)}`);
    }
    const flag = series.quality?.[place] ?? 1;
    if (flag === 3 || flag === 4) parts.push(word("chart_doubtful"));
    return parts.join(" – ");
  }

  #onKey(event: KeyboardEvent): void {
    const plot = this.#plot;
    const count = this.#series?.t.length ?? 0;
    if (!plot || !count) return;
    const here = plot.cursor.idx ?? count - 1;
    const page = Math.max(1, Math.round(count / 10));
    const moves: Record<string, number> = {
      ArrowLeft: here - 1, ArrowRight: here + 1, PageUp: here - page, PageDown: here + page, Home: 0, End: count - 1,
    };
    const next = moves[event.key];
    if (next !== undefined) this.#moveTo(Math.min(count - 1, Math.max(0, next)));
    else if (event.key === "+") this.#zoom(here, 0.5);
    else if (event.key === "-") this.#zoom(here, 2);
    else if (event.key === "Escape" && this.#period) share(null);
    else return;
    event.preventDefault();
  }

  #moveTo(place: number): void {
    const plot = this.#plot;
    const series = this.#series;
    if (!plot || !series) return;
    const value = series.mean[place];
    plot.setCursor({
      left: plot.valToPos(series.t[place] ?? 0, "x"),
      top: typeof value === "number" ? plot.valToPos(value, "y") : 10,
    });
  }

  #zoom(place: number, factor: number): void {
    const times = this.#series?.t ?? [];
    const from = this.#period?.from ?? times[0] ?? 0;
    const to = this.#period?.to ?? times[times.length - 1] ?? 0;
    const middle = times[place] ?? (from + to) / 2;
    const half = Math.max(SMALLEST_ZOOM_S, (to - from) * factor) / 2;
    share({ from: middle - half, to: middle + half });
  }

  #append(changes: Change[]): void {
    const series = this.#series;
    const { chartAsset, chartMeasure } = this.#figure.dataset;
    if (!series || !this.#plot || !chartAsset || !chartMeasure || this.#period || series.step !== "raw") return;
    for (const [uuid, readings] of changes) {
      const reading = uuid === chartAsset ? readings[chartMeasure] : undefined;
      const last = series.t[series.t.length - 1] ?? 0;
      if (!reading || reading[1] / 1000 <= last) continue;
      series.t.push(reading[1] / 1000);
      series.mean.push(reading[0]);
      series.min?.push(reading[0]);
      series.max?.push(reading[0]);
      series.quality?.push(reading[2]);
      this.#plot.setData(this.#data(series));
    }
  }
}

/** Show a period in every chart of the page, and in its address. */
function share(period: Period): void {
  const address = new URL(location.href);
  if (period) {
    address.searchParams.set("de", new Date(period.from * 1000).toISOString());
    address.searchParams.set("a", new Date(period.to * 1000).toISOString());
  } else {
    address.searchParams.delete("de");
    address.searchParams.delete("a");
  }
  history.replaceState(history.state, "", address);
  document.dispatchEvent(new CustomEvent<Period>(RANGE, { detail: period }));
}

function periodOfAddress(): Period {
  const parameters = new URL(location.href).searchParams;
  const from = Date.parse(parameters.get("de") ?? "") / 1000;
  const to = Date.parse(parameters.get("a") ?? "") / 1000;
  return from < to ? { from, to } : null;
}

function decimalsOf(increment: number): number {
  return Math.max(0, Math.min(6, -Math.floor(Math.log10(increment) + 1e-9)));
}

function translucent(colour: string): string {
  return colour.replace(/^rgb\((.*)\)$/, "rgba($1, 0.16)");
}

/** Draw the chart in its place. */
export function mount(element: HTMLElement): void {
  new Chart(element);
}
