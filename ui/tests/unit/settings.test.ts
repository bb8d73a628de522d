import { describe, expect, it } from "vitest";
import { settings } from "../../src/backend/fakeData";
import { settingName } from "../../src/i18n/index.svelte";
import { found, sections, stepped } from "../../src/screens/settings";

describe("settings", () => {
  it("keeps the order of the shell in its sections", () => {
    expect(sections(settings())).toEqual(["video", "audio", "input", "window", "overlay", "network", "play", "look", "library", "privacy"]);
  });

  it("finds by every word, without accents and case", () => {
    const names = (search: string): string[] => found(settings(), search, (setting) => `${settingName(setting.key)} ${setting.key}`).map((setting) => setting.key);
    expect(names("RATE frame")).toEqual(["video.fps"]);
    expect(names("résolution")).toEqual(["video.size"]);
    expect(names("no such thing")).toEqual([]);
    expect(names("  ").length).toBe(settings().length);
  });

  it("steps numbers within their limits and onto their steps", () => {
    const kind = { min: 0, max: 100, step: 5 };
    expect([stepped(50, 1, kind), stepped(50, -1, kind), stepped(52, 1, kind), stepped(52, -1, kind)]).toEqual([55, 45, 55, 50]);
    expect([stepped(100, 1, kind), stepped(0, -1, kind), stepped(999, -1, kind), stepped(-3, 1, kind)]).toEqual([100, 0, 100, 0]);
    expect(stepped(0.1, 1, { min: 0, max: 1, step: 0.1 })).toBe(0.2);
  });
});
