import type { Layer, Setting } from "../backend/api";
import type { SettingsScope } from "../state/nav.svelte";


/** Settings that may be set in a layer. */
export function allowedIn(all: readonly Setting[], layer: Layer): Setting[] {
  return all.filter((setting) => setting.allowed?.includes(layer) ?? false);
}

export interface Changed {
  /** Where a press on the setting puts its value. */
  layer: Layer;
  scope: string | null;
  /** It has a value there. */
  set: boolean;
  /** The value that counts when that one is taken away. */
  below: Setting["value"];
}

/**
 * Where a setting is changed. In a scope: there, whatever is in force. Without one: in the layer that is in force, so
 * that a press always shows; over the default the user's own layer is laid.
 */
export function changed(setting: Setting, scope: SettingsScope | null): Changed {
  const top = setting.layers[0];
  const layer = scope?.layer ?? (top === undefined || top.layer === "default" ? "user" : top.layer);
  const at = scope === null ? (top?.scope ?? null) : scope.id;
  const place = setting.layers.findIndex((one) => one.layer === layer && one.scope === at);
  const rest = setting.layers.filter((_, index) => index !== place);
  return { layer, scope: at, set: place >= 0, below: rest[0]?.value ?? setting.defaultValue };
}

/** Sections in the order in which the shell lists them. */
export function sections(all: readonly Setting[]): string[] {
  return [...new Set(all.map((setting) => setting.section))];
}

/** Settings of which every word of the search begins or lies in some word; accents and case do not count. */
export function found(all: readonly Setting[], search: string, words: (setting: Setting) => string): Setting[] {
  const wanted = plain(search).split(/\s+/).filter((word) => word !== "");
  return all.filter((setting) => {
    const text = plain(words(setting));
    return wanted.every((word) => text.includes(word));
  });
}

function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The next value of a number when one presses less or more; stays within its limits and on its steps. */
export function stepped(value: number, by: 1 | -1, kind: { min: number; max: number; step: number }): number {
  const step = kind.step > 0 ? kind.step : 1;
  const steps = (value - kind.min) / step;
  const whole = by > 0 ? Math.floor(steps + 1e-9) + 1 : Math.ceil(steps - 1e-9) - 1;
  const digits = (String(step).split(".")[1] ?? "").length;
  return Number(Math.min(kind.max, Math.max(kind.min, kind.min + whole * step)).toFixed(digits));
}
