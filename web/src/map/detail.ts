// The side panel of the map: an asset's overview, fetched as a fragment.

import { word } from "../words";
import { announce } from "../enhancements";
import type { MapConfig } from "./config";

export class Detail {
  readonly #panel: HTMLElement | null;
  readonly #config: MapConfig;
  readonly #selected: (uuid: string | null, at?: [number, number]) => void;
  #asked: AbortController | undefined;
  #back: HTMLElement | null = null;

  constructor(panel: HTMLElement | null, config: MapConfig, selected: (uuid: string | null, at?: [number, number]) => void) {
    this.#panel = panel;
    this.#config = config;
    this.#selected = selected;
    panel?.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** Show an asset, whose place is `at` where it is known; with `focus`, the keyboard follows. */
  async open(uuid: string, { focus, at }: { focus: boolean; at?: [number, number] }): Promise<void> {
    const panel = this.#panel;
    const template = this.#config.preview_url;
    if (!panel || !template) return;
    this.#selected(uuid, at);
    this.#asked?.abort();
    this.#asked = new AbortController();
    panel.setAttribute("aria-busy", "true");
    let html: string;
    try {
      const answer = await fetch(template.replace("__uuid__", encodeURIComponent(uuid)), {
        headers: { "HX-Request": "true" },
        signal: this.#asked.signal,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      html = await answer.text();
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      this.say(word("failed"));
      return;
    } finally {
      panel.removeAttribute("aria-busy");
    }
    if (panel.hidden) this.#back = document.activeElement as HTMLElement | null;
    panel.innerHTML = html; // our own page, under a policy that runs no inline script
    panel.prepend(this.#closeButton());
    panel.hidden = false;
    panel.tabIndex = -1;
    panel.dispatchEvent(new CustomEvent("beffroi:inserted", { bubbles: true }));
    if (focus) panel.focus({ preventScroll: true });
  }

  close(): void {
    this.#asked?.abort();
    if (!this.#panel || this.#panel.hidden) return;
    const held = this.#panel.contains(document.activeElement);
    this.#panel.hidden = true;
    this.#panel.replaceChildren();
    this.#selected(null);
    if (held) this.#back?.focus({ preventScroll: true });
  }

  say(text: string): void {
    announce(text);
  }

  #closeButton(): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--quiet button--icon button--small map__detail-close";
    button.setAttribute("aria-label", word("close"));
    button.textContent = "✕";
    button.addEventListener("click", () => this.close());
    return button;
  }
}
