// Colours of the style sheet, as the canvas of a map or a chart can read them.

/** Tell whether the page is dark now. */
export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Return what reads custom properties as `rgb(…)`, whatever they are made of. */
export function palette(host: HTMLElement): (name: string) => string {
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const known = new Map<string, string>();
  const read = (name: string): string => {
    let value = known.get(name);
    if (value === undefined) {
      probe.style.color = `var(--${name})`;
      value = getComputedStyle(probe).color;
      known.set(name, value);
    }
    return value;
  };
  window.setTimeout(() => probe.remove());
  return read;
}

/** Call back when the theme changes, by the person's choice or the computer's. */
export function onThemeChange(callback: () => void): void {
  document.addEventListener("beffroi:theme", callback);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}
