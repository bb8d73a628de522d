/**
 * One focus for pad, keyboard and pointer. Keys and pad presses arrive here; geometry decides; the DOM's own focus is the
 * only state, so that screen readers and tests see what the player sees.
 */
import type { ShellEvent } from "../backend/api";
import { type Box, type Direction, nearest } from "./geometry";

export type PadButton = Extract<ShellEvent, { event: "pad" }>["button"];

const FOCUSABLE = "button:not(:disabled), input:not(:disabled), a[href], [data-stop]";

export interface Handlers {
  /** Escape, B, or the mouse's back button. */
  back(): void;
  search(): void;
  menu(): void;
  /** Next (+1) or previous (-1) section. */
  section(step: 1 | -1): void;
  /** A text field was pressed with a pad: show the keyboard on the screen. */
  write(field: HTMLInputElement): void;
}

export type InputKind = "pad" | "keyboard" | "pointer";

/** Elements that can be reached now: those of the topmost dialog, else of the page. */
export function scope(): HTMLElement {
  const open = [...document.querySelectorAll<HTMLElement>("dialog[open]")];
  return open.at(-1) ?? document.body;
}

export function reachable(root: HTMLElement): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
    (element) => element.closest("[inert], [aria-hidden=true]") === null && element.getClientRects().length > 0,
  );
}

function boxOf(element: HTMLElement): Box {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  return { left, top, right, bottom };
}

/** Puts focus where a screen wants it: an element by its remembered name, else the one marked `data-first`, else any. */
export function enter(name: string | null, root: HTMLElement = scope(), orAny = true): HTMLElement | null {
  const all = reachable(root);
  const inMain = all.filter((element) => element.closest("main, dialog") !== null);
  const wanted =
    (name === null ? undefined : all.find((element) => element.dataset["focus"] === name)) ??
    inMain.find((element) => element.dataset["first"] !== undefined) ??
    (orAny ? (inMain[0] ?? all[0]) : undefined);
  if (wanted) give(wanted);
  return wanted ?? null;
}

/** Name of the focused element for a later `enter`, if it has one. */
export function here(): string | null {
  const active = document.activeElement;
  return active instanceof HTMLElement ? (active.dataset["focus"] ?? null) : null;
}

function give(element: HTMLElement): void {
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export function move(direction: Direction): void {
  const root = scope();
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === document.body || !root.contains(active)) {
    enter(null, root);
    return;
  }
  const others = reachable(root).filter((element) => element !== active);
  const index = nearest(boxOf(active), others.map(boxOf), direction);
  const next = others[index];
  if (next) give(next);
  else scrollOn(active, direction);
}

/** Nothing to focus that way: a long text can still be read on. */
function scrollOn(from: HTMLElement, direction: Direction): void {
  if (direction === "left" || direction === "right") return;
  for (let at: HTMLElement | null = from; at; at = at.parentElement) {
    if (at.scrollHeight > at.clientHeight + 4 && getComputedStyle(at).overflowY !== "visible") {
      at.scrollBy({ top: (direction === "down" ? 0.4 : -0.4) * at.clientHeight });
      return;
    }
  }
}

export function setInput(kind: InputKind): void {
  document.documentElement.dataset["input"] = kind;
}

/** What a press on the pad does. Mapping and repeat are done in the shell. */
export function press(button: PadButton, handlers: Handlers): void {
  setInput("pad");
  switch (button) {
    case "up":
    case "down":
    case "left":
    case "right":
      move(button);
      return;
    case "accept":
      accept(handlers);
      return;
    case "back":
      handlers.back();
      return;
    case "menu":
      handlers.menu();
      return;
    case "search":
      handlers.search();
      return;
    case "previous":
      handlers.section(-1);
      return;
    case "next":
      handlers.section(1);
  }
}

function accept(handlers: Handlers): void {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || active === document.body) {
    enter(null);
    return;
  }
  if (active instanceof HTMLInputElement && isText(active)) handlers.write(active);
  else active.click();
}

/** Left and right belong to the caret until it stands at the end of the text. */
function caretStays(field: HTMLInputElement, direction: Direction): boolean {
  if (direction === "up" || direction === "down") return false;
  const { selectionStart: start, selectionEnd: end, value } = field;
  return start !== end || (direction === "left" ? start !== 0 : end !== value.length);
}

export function isText(field: HTMLInputElement): boolean {
  return ["text", "search", "password", "tel", "url"].includes(field.type);
}

const ARROWS: Record<string, Direction> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

/** Listens to keys and pointer until the returned function is called. */
export function attach(handlers: Handlers): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const field = event.target instanceof HTMLInputElement && isText(event.target) ? event.target : null;
    const direction = ARROWS[event.key];
    const plain = !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "Tab" || direction) setInput("keyboard");
    if (direction && plain) {
      // In a text the caret comes first; up and down leave it.
      if (field && caretStays(field, direction)) return;
      event.preventDefault();
      move(direction);
    } else if (event.key === "Escape" || (event.altKey && event.key === "ArrowLeft")) {
      event.preventDefault();
      handlers.back();
    } else if ((event.key === "/" && plain && !field) || (event.ctrlKey && event.key === "f")) {
      event.preventDefault();
      handlers.search();
    } else if (event.ctrlKey && (event.key === "PageUp" || event.key === "PageDown")) {
      event.preventDefault();
      handlers.section(event.key === "PageDown" ? 1 : -1);
    }
  };
  const onPointer = (event: PointerEvent): void => {
    setInput("pointer");
    if (event.type === "pointerdown" && event.button === 3) handlers.back();
  };
  window.addEventListener("keydown", onKey);
  window.addEventListener("pointerdown", onPointer, true);
  return () => {
    window.removeEventListener("keydown", onKey);
    window.removeEventListener("pointerdown", onPointer, true);
  };
}
