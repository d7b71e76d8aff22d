// Words of the page, translated by the server.

let words: Record<string, string> | undefined;

/** Return a word of `words.py` in the page's language, with `{n}` replaced. */
export function word(key: string, n?: number | string): string {
  words ??= JSON.parse(document.getElementById("words")?.textContent ?? "{}") as Record<string, string>;
  const text = words[key] ?? key;
  return n === undefined ? text : text.replace("{n}", String(n));
}

/** Language of the page. */
export const language = document.documentElement.lang || "fr";

/** Time zone in which people read: that of the town, whatever the computer's. */
export const timeZone = "Europe/Paris";

const numberFormats = new Map<number, Intl.NumberFormat>();

/** Write a number with a fixed count of decimals, as the language does. */
export function number(value: number, decimals: number): string {
  let format = numberFormats.get(decimals);
  if (!format) {
    format = new Intl.NumberFormat(language, {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    numberFormats.set(decimals, format);
  }
  return format.format(value);
}

const relative = new Intl.RelativeTimeFormat(language, { style: "short", numeric: "always" });

/** Say how long ago an instant was, in the largest whole unit. */
export function age(epochMs: number, now: number): string {
  const seconds = Math.floor((now - epochMs) / 1000);
  if (seconds < 0) return word("just_now");
  if (seconds < 60) return relative.format(-seconds, "second");
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return relative.format(-Math.floor(seconds / 3600), "hour");
  return relative.format(-Math.floor(seconds / 86_400), "day");
}
