// Small improvements of pages that already work: messages, dialogs, copy, files, theme, menus.

import { word } from "./words";

const GOOD_NEWS_MS = 8_000;

/** Show a message; good news leaves by itself, the rest waits to be closed. */
export function toast(text: string, tone = "info"): void {
  const template = document.getElementById("toast-template");
  const place = document.getElementById("toasts");
  if (!(template instanceof HTMLTemplateElement) || !place) return;
  const element = (template.content.cloneNode(true) as DocumentFragment).querySelector<HTMLElement>("[data-toast]");
  const words = element?.querySelector(".toast__text");
  if (!element || !words) return;
  element.className = `toast toast--${tone}`;
  element.dataset.toast = tone;
  element.setAttribute("role", tone === "alarm" || tone === "error" ? "alert" : "status");
  place.append(element);
  words.textContent = text; // after it stands in the page, so that it is announced
  prepareToast(element);
}

function prepareToast(element: HTMLElement): void {
  element.querySelector("[data-dismiss]")?.removeAttribute("hidden");
  if (!["info", "ok", "success", "debug"].includes(element.dataset.toast ?? "")) return;
  let timer = window.setTimeout(() => element.remove(), GOOD_NEWS_MS);
  const hold = () => window.clearTimeout(timer);
  const release = () => {
    hold();
    timer = window.setTimeout(() => element.remove(), GOOD_NEWS_MS);
  };
  element.addEventListener("pointerenter", hold);
  element.addEventListener("focusin", hold);
  element.addEventListener("pointerleave", release);
  element.addEventListener("focusout", release);
}

async function copy(button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
  } catch {
    toast(word("copy_failed"), "attention");
    return;
  }
  const label = button.querySelector(".button__label");
  const before = label?.textContent ?? "";
  if (label) label.textContent = button.dataset.copied ?? word("copied");
  button.classList.add("is-done");
  announce(button.dataset.copied ?? word("copied"));
  window.setTimeout(() => {
    if (label) label.textContent = before;
    button.classList.remove("is-done");
  }, 2_000);
}

/** Have a screen reader say something. */
export function announce(text: string): void {
  const place = document.getElementById("announcer");
  if (!place) return;
  place.textContent = "";
  window.setTimeout(() => (place.textContent = text), 60);
}

function chooseTheme(button: HTMLButtonElement): void {
  const root = document.documentElement;
  if (button.value === "auto") delete root.dataset.theme;
  else root.dataset.theme = button.value;
  for (const other of document.querySelectorAll("[data-theme-choice]")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  document.dispatchEvent(new CustomEvent("beffroi:theme"));
  const form = button.form;
  if (!form) return;
  const body = new FormData(form);
  body.set("theme", button.value);
  void fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
}

function onClick(event: MouseEvent): void {
  if (!(event.target instanceof Element)) return;
  const target = event.target;
  const dismiss = target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest("[data-toast]")?.remove();
  const copied = target.closest<HTMLElement>("[data-copy]");
  if (copied) void copy(copied);
  const speaking = target.closest<HTMLElement>("[data-toast-text]");
  if (speaking) toast(speaking.dataset.toastText ?? "", speaking.dataset.toastTone);
  const theme = target.closest<HTMLButtonElement>("[data-theme-choice]");
  if (theme) {
    event.preventDefault();
    chooseTheme(theme);
  }
  // Browsers older than 2025 do not know `command`.
  const opener = target.closest<HTMLElement>("[command='show-modal']");
  if (opener && !("command" in HTMLButtonElement.prototype)) {
    const dialog = document.getElementById(opener.getAttribute("commandfor") ?? "");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  }
  if (target instanceof HTMLDialogElement && isOutside(target, event)) target.close();
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
  const located = target.closest<HTMLElement>("[data-centre]");
  if (located && document.querySelector("[data-island='map']")) {
    event.preventDefault();
    document.dispatchEvent(
      new CustomEvent("beffroi:centre", { detail: { centre: located.dataset.centre, asset: located.dataset.asset } }),
    );
  }
}

function isOutside(dialog: HTMLDialogElement, event: MouseEvent): boolean {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

function onKey(event: KeyboardEvent): void {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
    for (const results of document.querySelectorAll(".search__results")) results.replaceChildren();
  }
  if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
    const search = document.querySelector<HTMLInputElement>(".search__input");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") walkResults(event);
}

function walkResults(event: KeyboardEvent): void {
  if (!(event.target instanceof HTMLElement)) return;
  const search = event.target.closest(".search");
  if (!search) return;
  const stops = [...search.querySelectorAll<HTMLElement>(".search__input, .search__results a")];
  const next = stops[stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

function prepareFileDrop(box: HTMLElement): void {
  const input = box.querySelector<HTMLInputElement>("input[type='file']");
  const name = box.querySelector("[data-file-name]");
  if (!input) return;
  const tell = () => {
    if (name) name.textContent = [...(input.files ?? [])].map((file) => file.name).join(", ");
  };
  input.addEventListener("change", tell);
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("is-over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("is-over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("is-over");
    if (event.dataTransfer?.files.length) {
      input.files = event.dataTransfer.files;
      tell();
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}

/** Prepare a part of the page, at first and after htmx has brought it. */
export function prepare(root: ParentNode): void {
  for (const button of root.querySelectorAll("[data-copy]")) button.removeAttribute("hidden");
  for (const element of root.querySelectorAll<HTMLElement>("[data-toast]")) prepareToast(element);
  for (const box of root.querySelectorAll<HTMLElement>("[data-file-drop]")) prepareFileDrop(box);
  const summary = root.querySelector<HTMLElement>(".error-summary[data-autofocus]");
  summary?.focus();
}

/** Listen once for the whole page. */
export function listen(): void {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("beffroi:toast", (event) => {
    const { text = "", tone = "info" } = (event as CustomEvent<{ text?: string; tone?: string }>).detail;
    toast(text, tone);
  });
  document.addEventListener("beffroi:live-state", (event) => {
    const state = (event as CustomEvent<string>).detail;
    if (state === "offline" || state === "late") announce(word(state, "…"));
  });
  document.addEventListener("beffroi:session-ended", () => toast(word("refused"), "attention"));
  document.addEventListener("htmx:afterSettle", (event) => {
    const spoken = (event.target as Element | null)?.querySelector?.("[data-announce]");
    if (spoken?.textContent) announce(spoken.textContent.trim());
  });
  document.addEventListener("htmx:responseError", (event) => {
    const status = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr.status;
    toast(word(status === 401 || status === 403 ? "refused" : "failed"), "alarm");
  });
  document.addEventListener("htmx:sendError", () => toast(word("unreachable"), "alarm"));
}
