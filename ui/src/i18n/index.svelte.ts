/** Texts, numbers and dates in the language of the user. Reads are reactive: a change of language redraws the view. */
import type { Problem } from "../backend/api";
import { de } from "./de";
import { en, type Key } from "./en";
import { problemTexts } from "./problems";
import { translated } from "./sentences";
import { settingTexts } from "./settings";

export type { Key } from "./en";
export type Language = "en" | "de";
export type Params = Record<string, string | number>;

const tables: Record<Language, Record<Key, string>> = { en, de };

class Locale {
  language = $state<Language>("en");
}

const locale = new Locale();

export function language(): Language {
  return locale.language;
}

/** Formatters are dear to make and asked for by every tile: one of each kind and language is kept. */
function kept<F>(make: (language: Language) => F): () => F {
  const made = new Map<Language, F>();
  return () => {
    const { language } = locale;
    const known = made.get(language) ?? make(language);
    made.set(language, known);
    return known;
  };
}

const plurals = kept((language) => new Intl.PluralRules(language));
const spans = kept((language) => new Intl.RelativeTimeFormat(language, { numeric: "auto" }));
const dates = kept((language) => new Intl.DateTimeFormat(language, { dateStyle: "medium" }));
const numbers = [0, 1, 2].map((digits) => kept((language) => new Intl.NumberFormat(language, { maximumFractionDigits: digits })));

/** Takes the setting `look.language`; `system` asks the browser. */
export function setLanguage(wish: string): void {
  const from = wish === "system" ? navigator.language : wish;
  locale.language = from.toLowerCase().startsWith("de") ? "de" : "en";
  document.documentElement.lang = locale.language;
}

export function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : value;
  });
}

export function t(key: Key, params: Params = {}): string {
  return fill(tables[locale.language][key], params);
}

type PluralKey = Extract<Key, `${string}_other`> extends `${infer Stem}_other` ? Stem : never;

/** Text of a number of things: `_one` or `_other` as the language wants it. */
export function count(stem: PluralKey, amount: number): string {
  const form = plurals().select(amount) === "one" ? "one" : "other";
  return t(`${stem}_${form}`, { count: amount });
}

/** Text by a key that is put together at run time; the fallback is shown when there is none. */
export function maybe(key: string, fallback: string): string {
  const table: Record<string, string> = tables[locale.language];
  return table[key] ?? fallback;
}

export function number(value: number, digits: 0 | 1 | 2 = 0): string {
  return numbers[digits]?.().format(value) ?? String(value);
}

/** A span for reading: seconds below a minute, minutes below two hours, then hours. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return count("time.seconds", whole);
  const minutes = Math.round(whole / 60);
  if (minutes < 120) return count("time.minutes", minutes);
  return count("time.hours", Math.round(minutes / 60));
}

/** A running clock: `4:05`, `1:04:05`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${hours > 0 ? two(Math.floor(whole / 60) % 60) : Math.floor(whole / 60)}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** How long ago, in words: `2 hours ago`, `yesterday`. */
export function ago(at: number | null, now: number = Date.now()): string {
  if (at === null) return t("time.never");
  const format = spans();
  const seconds = Math.min(0, Math.round((at - now) / 1000));
  if (seconds > -60) return format.format(seconds, "second");
  if (seconds > -3600) return format.format(Math.round(seconds / 60), "minute");
  if (seconds > -86_400) return format.format(Math.round(seconds / 3600), "hour");
  if (seconds > -86_400 * 45) return format.format(Math.round(seconds / 86_400), "day");
  return format.format(Math.round(seconds / (86_400 * 30)), "month");
}

export function date(at: number): string {
  return dates().format(at);
}

/** A problem in the user's language where the table has its kind, else as the shell sent it. */
export function problem(from: Problem): { what: string; why: string; nextStep: string } {
  return problemTexts[locale.language]?.[from.kind] ?? from;
}

/** A sentence of the shell in the user's language where the table has it, else as the shell sent it. */
export function sentence(text: string): string {
  return translated(text, locale.language) ?? text;
}

/** A name for programs as words, for what the tables do not know. */
export function humanised(name: string): string {
  const words = name.replace(/[._-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function settingName(key: string): string {
  return settingTexts[locale.language][`${key}.name`] ?? humanised(key.split(".").at(-1) ?? key);
}

export function settingHelp(key: string): string {
  return settingTexts[locale.language][`${key}.help`] ?? "";
}

export function settingValue(key: string, value: boolean | number | string, unit = ""): string {
  if (typeof value === "boolean") return t(value ? "common.on" : "common.off");
  const named = settingTexts[locale.language][`${key}.${value}`];
  if (named !== undefined) return named;
  if (typeof value === "number") return unit === "" ? number(value) : `${number(value)} ${unit}`;
  return value === "" ? "–" : value;
}

export function settingSection(section: string): string {
  return maybe(`settings.section.${section}`, humanised(section));
}
