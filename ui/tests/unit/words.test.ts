import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Edition } from "../../src/backend/api";
import { report, STAGES } from "../../src/backend/fakeData";
import { de } from "../../src/i18n/de";
import { en } from "../../src/i18n/en";
import { sentence, setLanguage } from "../../src/i18n/index.svelte";
import { sentenceTexts, translated } from "../../src/i18n/sentences";
import { picture, providerOf, titleOf, waiting } from "../../src/screens/editions";
import { figureExplained, figureName, figureParts } from "../../src/screens/figures";
import { stageName } from "../../src/screens/stages";

function rust(path: string): string {
  const whole = join(process.cwd(), "../crates", path);
  expect(existsSync(whole), whole).toBe(true);
  // Tests of the crate stand last in the file, and a string goes on behind a `\` at the end of a line.
  return (readFileSync(whole, "utf8").split("#[cfg(test)]")[0] ?? "").replace(/\\\n\s*/g, "");
}

/** `{rate:.0}`, `{service}` and `{}` are all holes. */
const holes = (text: string): string => text.replace(/\{[^{}]*\}/g, "{}");
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = ""]) => found);

afterEach(() => setLanguage("en"));

describe("names that come from the app", () => {
  const source = rust("app/src/report.rs");
  const figures = all(source, /judged\.figure\(\s*"(\w+)"/g);

  it("have words for each figure after play, and none for figures that there are not", () => {
    expect(figures.length).toBeGreaterThan(6);
    for (const table of [en, de]) {
      const ours = Object.keys(table).flatMap((key) => /^figure\.(\w+)$/.exec(key)?.[1] ?? []);
      expect(ours.sort()).toEqual([...figures].sort());
      for (const name of figures) expect(Object.keys(table)).toContain(`figure.${name}.help`);
    }
    expect(figures).toEqual(expect.arrayContaining(report("bad").figures.map((figure) => figure.name)));
  });

  it("have words for each stage of a start, in the order of the app", () => {
    const stages = all(/const STAGES[\s\S]*?;\n/.exec(rust("app/src/play.rs"))?.[0] ?? "", /"(\w+)"/g);
    expect(stages.length).toBeGreaterThan(6);
    expect(stages.filter((stage) => !(`stage.${stage}` in en && `stage.${stage}` in de))).toEqual([]);
    expect(STAGES).toEqual(stages);
  });

  it("have a German sentence for each advice, figure and reason", () => {
    const known = Object.keys(sentenceTexts["de"] ?? {});
    // What explains a figure is in the tables of the view, in the app's own words.
    const explained = figures.map((name) => en[`figure.${name}.help` as keyof typeof en]);
    const sentences = all(source, /"([A-Z][^"]{30,}\.)"/g);
    expect(explained.filter((text) => !source.includes(`"${text}"`))).toEqual([]);
    const advice = sentences.filter((text) => !explained.includes(text as (typeof explained)[number]));
    expect(advice.length).toBeGreaterThan(5);
    expect(advice.filter((text) => !known.includes(text))).toEqual([]);
    const values = all(source, /judged\.figure\(\s*"\w+",\s*format!\(\s*"([^"]+)"/g).map(holes);
    expect(values.length).toBe(figures.length);
    expect(values.filter((text) => !/^\{\}( ms)?$/.test(text) && !known.includes(text))).toEqual([]);
    const why = /fn reason[\s\S]*?\n\}/.exec(rust("app/src/library.rs"))?.[0] ?? "";
    const reasons = all(why, /"([^"]+)"/g).map(holes);
    expect(reasons.length).toBe(3);
    expect(reasons.filter((text) => !known.includes(text))).toEqual([]);
    const ended = all(rust("model/src/ended.rs"), /#\[error\("([^"]+)"\)\]/g).map(holes);
    expect(ended.length).toBeGreaterThan(10);
    // What is in the table must still be said somewhere.
    const said = new Set([...advice, ...values, ...reasons, ...ended, ...all(rust("model/src/ended.rs"), /#\[error\("([^"{]+: )\{reason\}/g).map((text) => `${text}{}`)]);
    expect(known.filter((text) => !said.has(text))).toEqual([]);
  });

  it("have values with a large part and a small one", () => {
    expect(["31 ms (1 in 100: 44 ms)", "41 fps, 6.4 % missed", "8 ms", "0.0 % (100 % came back)"].map(figureParts)).toEqual([
      ["31 ms", "1 in 100: 44 ms"],
      ["41 fps", "6.4 % missed"],
      ["8 ms", ""],
      ["0.0 %", "100 % came back"],
    ]);
  });

  it("are never shown raw when they are new", () => {
    expect([figureName("frame_pacing"), stageName("warming_up.disk")]).toEqual(["Frame pacing", "Warming up disk"]);
    expect([figureExplained("frame_pacing", "How even."), figureExplained("rtt", "other words")]).toEqual(["How even.", en["figure.rtt.help"]]);
  });
});

describe("sentences of the shell", () => {
  it("keep what stands in their holes, and stay as they are where there is no other", () => {
    expect(translated("60 fps, 0.1 % missed", "de")).toBe("60 je Sekunde, 0,1 % verpasst");
    expect(translated("Sign in to North (beta) first.", "de")).toBe("Melde dich zuerst bei North (beta) an.");
    expect(translated("Something new.", "de")).toBeNull();
    expect(sentence("You stopped the game.")).toBe("You stopped the game.");
    setLanguage("de");
    expect(sentence("You stopped the game.")).toBe("Du hast das Spiel beendet.");
  });
});

describe("a way to play", () => {
  const edition = (part: Partial<Edition>): Edition => ({ id: "demo/a@near", provider: "demo", providerName: "Demo", place: "Near", entitlement: "free", entitledUntil: null, quality: null, pingMs: null, queueSeconds: null, queuePosition: null, running: false, available: true, why: null, ...part });

  const said = (part: Partial<Edition>): string => Object.values(waiting(edition(part))).filter((text) => text !== null).join(", ");

  it("says what waiting is known", () => {
    expect(said({ queueSeconds: 0 })).toBe("No waiting");
    expect(said({ queueSeconds: 120 })).toBe("About 2 minutes");
    expect(said({})).toBe("A queue, time not known");
    expect(said({ queuePosition: 3 })).toBe("Place 3, time not known");
    expect(said({ queuePosition: 3, queueSeconds: 40 })).toBe("Place 3, About 40 seconds");
  });

  it("speaks of no queue where there can be none", () => {
    expect(said({ running: true })).toBe("No waiting");
    expect(said({ available: false })).toBe("–");
    expect(said({ id: "home/a" })).toBe("–");
  });

  it("is taken apart as the app does it", () => {
    const titles = ["demo/game@near", "demo/a@b@far", "demo/game", "demo@x/game", "demo/game@"].map(titleOf);
    expect(titles).toEqual(["demo/game", "demo/a@b", "demo/game", "demo@x/game", "demo/game@"]);
    expect(providerOf("demo/a/b@near")).toBe("demo");
    expect(picture("1920x1080 at 60")).toEqual({ what: "1920 × 1080", more: "60 a second" });
    expect([picture("up to 4K").what, picture(null).what]).toEqual(["up to 4K", "–"]);
  });
});
