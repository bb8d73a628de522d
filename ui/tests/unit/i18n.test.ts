import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { settings } from "../../src/backend/fakeData";
import { problems } from "../../src/backend/fakeProblems";
import { de } from "../../src/i18n/de";
import { en } from "../../src/i18n/en";
import { ago, clock, count, fill, number, problem, setLanguage, settingName, settingValue, span, t } from "../../src/i18n/index.svelte";
import { problemTexts } from "../../src/i18n/problems";
import { settingTexts } from "../../src/i18n/settings";

const SOURCE = join(process.cwd(), "src");

function sources(): string {
  return readdirSync(SOURCE, { recursive: true })
    .map(String)
    .filter((name) => /\.(svelte|ts)$/.test(name) && !name.startsWith("i18n/"))
    .map((name) => readFileSync(join(SOURCE, name), "utf8"))
    .join("\n");
}

const holes = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();

afterEach(() => setLanguage("en"));

describe("the text tables", () => {
  it("have the same keys, the same holes, and no empty text", () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
    for (const [key, text] of Object.entries(en)) {
      const other = de[key as keyof typeof en];
      expect(text.trim(), key).not.toBe("");
      expect(other.trim(), key).not.toBe("");
      expect(holes(other), key).toEqual(holes(text));
    }
    expect(Object.keys(settingTexts.de).sort()).toEqual(Object.keys(settingTexts.en).sort());
  });

  it("are used whole: no key without a use, no use without a key", () => {
    const text = `${sources()}\n${readFileSync(join(SOURCE, "i18n/index.svelte.ts"), "utf8")}`;
    const keys = Object.keys(en);
    const used = new Set<string>();
    // A key in quotes; counted things by their stem; keys put together with `${}` by their fixed parts.
    for (const [, quoted = ""] of text.matchAll(/["']([a-z_]+(?:\.[a-z_]+)+)["']/g)) {
      if (quoted in en) used.add(quoted);
      for (const form of ["one", "other"]) if (`${quoted}_${form}` in en) used.add(`${quoted}_${form}`);
    }
    for (const [, built = ""] of text.matchAll(/`([a-z_]+\.[^`\s]*\$\{[^`]*\}[^`\s]*)`/g)) {
      const pattern = new RegExp(`^${built.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.]/g, "\\.")).join("[a-z0-9_]+")}$`);
      for (const key of keys.filter((key) => pattern.test(key))) used.add(key);
    }
    expect(keys.filter((key) => !used.has(key))).toEqual([]);
    // `t("…")` and `count("…")` are typed; this holds for calls that slipped past the types.
    const called = [...text.matchAll(/\bt\(\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(called.length).toBeGreaterThan(100);
    expect(called.filter((key) => !(key in en))).toEqual([]);
  });

  it("name every setting of the fake, each option and help", () => {
    for (const setting of settings()) {
      const wanted = ["name", "help", ...(setting.kind.type === "choice" ? setting.kind.options : [])];
      for (const part of wanted) expect(settingTexts.en[`${setting.key}.${part}`], `${setting.key}.${part}`).toBeTruthy();
    }
  });

  it("have no text of the view outside the tables", () => {
    const found: string[] = [];
    for (const name of readdirSync(SOURCE, { recursive: true }).map(String).filter((name) => name.endsWith(".svelte"))) {
      const markup = readFileSync(join(SOURCE, name), "utf8").replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, "");
      for (const [, words = ""] of markup.matchAll(/>([^<>{}]*[A-Za-z]{4,}[^<>{}]*)</g)) found.push(`${name}: ${words.trim()}`);
      for (const [, words = ""] of markup.matchAll(/(?:aria-label|placeholder|title)="([^"{}]+)"/g)) found.push(`${name}: ${words}`);
    }
    expect(found).toEqual([]);
  });
});

describe("words in the user's language", () => {
  it("fills holes and leaves unknown ones visible", () => {
    expect(fill("{a} of {b}", { a: 1 })).toBe("1 of {b}");
  });

  it("counts as the language does", () => {
    expect([count("library.count", 1), count("library.count", 20_000)]).toEqual(["1 game", "20,000 games"]);
    setLanguage("de");
    expect([count("library.count", 1), count("library.count", 20_000)]).toEqual(["1 Spiel", "20.000 Spiele"]);
    expect(number(1.5, 1)).toBe("1,5");
    expect(document.documentElement.lang).toBe("de");
  });

  it("says spans and clocks", () => {
    expect([span(1), span(59), span(61), span(7100), span(7300), span(-5)]).toEqual(["1 second", "59 seconds", "1 minute", "118 minutes", "2 hours", "0 seconds"]);
    expect([clock(0), clock(65), clock(3665), clock(-1)]).toEqual(["0:00", "1:05", "1:01:05", "0:00"]);
  });

  it("says how long ago, and never in the future when the clock was set back", () => {
    const now = 1_800_000_000_000;
    expect(ago(null, now)).toBe("never");
    expect(ago(now - 3 * 60_000, now)).toBe("3 minutes ago");
    expect(ago(now - 86_400_000, now)).toBe("yesterday");
    expect(ago(now + 60_000_000, now)).toBe("now");
    setLanguage("de");
    expect(ago(now - 3 * 60_000, now)).toBe("vor 3 Minuten");
  });

  it("shows a problem by its kind where the table has it, else as it came", () => {
    expect(problem(problems.declined).what).toBe(problems.declined.what);
    setLanguage("de");
    expect(problem(problems.declined).what).toBe(problemTexts["de"]?.["declined"]?.what);
    expect(problem({ ...problems.declined, kind: "something_new" }).what).toBe(problems.declined.what);
  });

  it("names settings that it does not know by their key", () => {
    expect(settingName("net.dscp_marking")).toBe("Dscp marking");
    expect(settingValue("net.x", "abc")).toBe("abc");
    expect(settingValue("net.x", 20_000, "kbit/s")).toBe("20,000 kbit/s");
    expect(settingValue("net.x", true)).toBe(t("common.on"));
  });
});
