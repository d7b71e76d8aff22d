// What the server answers for a stream, and the words of its axes.

import { language, timeZone } from "../words";

export type Series = {
  unit: string;
  label: string;
  step: string;
  t: number[];
  mean: (number | null)[];
  min?: (number | null)[];
  max?: (number | null)[];
  quality?: (number | null)[];
  /** Words of the values 0, 1…; a number has none. */
  choices?: string[];
};

/** Period asked for, as seconds since 1970; null is what the server proposes. */
export type Period = { from: number; to: number } | null;

/** From this flag on a value is doubtful (QARTOD: 3 suspect, 4 bad); 9 is missing. */
const DOUBTFUL = 3;
const MISSING = 9;

/** Fetch a stream; with a period, the server chooses a finer step for it. */
export async function fetchSeries(src: string, period: Period, signal: AbortSignal): Promise<Series> {
  const address = new URL(src, location.href);
  if (period) {
    address.searchParams.set("de", new Date(period.from * 1000).toISOString());
    address.searchParams.set("a", new Date(period.to * 1000).toISOString());
  }
  const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()) as Series;
}

/** Return the doubtful values alone, the others null. */
export function doubtful(series: Series): (number | null)[] {
  return series.mean.map((value, place) => {
    const flag = series.quality?.[place] ?? 1;
    return flag >= DOUBTFUL && flag !== MISSING ? value : null;
  });
}

/** Tell whether a band can be drawn: extremes that are not the value itself. */
export function hasBand(series: Series): boolean {
  return Boolean(series.min?.length && series.max?.length && series.step !== "raw");
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let known = formats.get(key);
  if (!known) {
    known = new Intl.DateTimeFormat(language, { timeZone, ...options });
    formats.set(key, known);
  }
  return known;
}

/** Write an instant in full, at the precision of the step. */
export function instant(seconds: number, step: string): string {
  const date = new Date(seconds * 1000);
  if (["day", "week", "month"].includes(step)) {
    return format("day", { weekday: "short", day: "numeric", month: "long", year: "numeric" }).format(date);
  }
  return format("minute", {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
    ...(step === "raw" ? { second: "2-digit" } : {}),
  }).format(date);
}

/** Write the ticks of the time axis: the hour, and the day where it changes. */
export function ticks(seconds: number[], increment: number): string[] {
  let lastDay = "";
  return seconds.map((second) => {
    const date = new Date(second * 1000);
    if (increment >= 28 * 86_400) return format("month", { month: "short", year: "2-digit" }).format(date);
    const day = format("short-day", { day: "numeric", month: "short" }).format(date);
    if (increment >= 86_400) return day;
    const hour = format("hour", {
      hour: "2-digit", minute: "2-digit", ...(increment < 60 ? { second: "2-digit" } : {}),
    }).format(date);
    const text = day === lastDay ? hour : `${hour}\n${day}`;
    lastDay = day;
    return text;
  });
}
