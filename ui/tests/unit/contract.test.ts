import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { settings } from "../../src/backend/fakeData";
import { problems } from "../../src/backend/fakeProblems";
import { en } from "../../src/i18n/en";
import { problemTexts } from "../../src/i18n/problems";

/** Source of a crate beside us. */
function rust(path: string): string {
  const whole = join(process.cwd(), "../crates", path);
  return existsSync(whole) ? readFileSync(whole, "utf8") : "";
}

const snake = (name: string): string => name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();

describe("the names that the shell and the view share", () => {
  it("have a German sentence for each kind of problem, and the fake invents none", () => {
    const body = rust("model/src/problem.rs").match(/pub enum ProblemKind \{([\s\S]*?)\n\}/)?.[1] ?? "";
    const kinds = [...body.matchAll(/^ {4}(\w+),/gm)].map(([, name = ""]) => snake(name));
    expect(kinds.length).toBeGreaterThan(10);
    expect(kinds.filter((kind) => problemTexts["de"]?.[kind] === undefined)).toEqual([]);
    const ours = Object.values(problems).map((problem) => problem.kind);
    expect(ours.filter((kind) => kind !== "shell_fault" && !kinds.includes(kind))).toEqual([]);
  });

  it("have a name for each stage of a start", () => {
    const stages = [...rust("model/src/stage.rs").matchAll(/=> "(\w+)",/g)].map(([, name = ""]) => name);
    expect(stages.length).toBeGreaterThan(5);
    // The queue has a screen of its own.
    expect(stages.filter((stage) => stage !== "queued" && !(`stage.${stage}` in en))).toEqual([]);
  });

  it("have the settings of the shell's registry, with their options", () => {
    const registry = rust("store/src/settings/registry.rs").match(/pub const REGISTRY[\s\S]*?\n\];/)?.[0] ?? "";
    const keys = [...registry.matchAll(/^ {4}(?:choice|text|number|toggle)\("([a-z_.]+)"/gm)].map(([, key = ""]) => key);
    expect(keys.length).toBeGreaterThan(10);
    expect(settings().map((setting) => setting.key)).toEqual(keys);
    for (const [, key, list = ""] of registry.matchAll(/choice\("([a-z_.]+)", &\[([^\]]*)\]/g)) {
      const kind = settings().find((setting) => setting.key === key)?.kind;
      expect(kind, key).toEqual({ type: "choice", options: [...list.matchAll(/"([^"]+)"/g)].map(([, option]) => option) });
    }
    const named = (list: string): string[] => [...list.matchAll(/Layer::(\w+)/g)].map(([, layer = ""]) => snake(layer));
    const lists: Record<string, string[]> = {};
    for (const [, name = "", list = ""] of rust("store/src/settings/registry.rs").matchAll(/^const (\w+): &\[Layer\] = &\[(.*?)\];/gm)) lists[name] = named(list);
    for (const [, key = "", list = ""] of registry.matchAll(/^ {4}\w+\("([a-z_.]+)".*?, (\w+|&\[Layer::[^\]]+\])\),$/gm)) {
      const layers = lists[list] ?? named(list);
      expect(layers.length, key).toBeGreaterThan(0);
      expect(settings().find((setting) => setting.key === key)?.allowed, key).toEqual(layers);
    }
    for (const key of keys) expect(`settings.section.${key.split(".")[0]}` in en, key).toBe(true);
  });
});
