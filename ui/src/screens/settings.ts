import type { Setting } from "../backend/api";

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
