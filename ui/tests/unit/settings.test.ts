import { describe, expect, it } from "vitest";
import type { Setting } from "../../src/backend/api";
import { resolved, settings } from "../../src/backend/fakeData";
import { settingName } from "../../src/i18n/index.svelte";
import { layerName } from "../../src/screens/layers";
import { allowedIn, changed, found, sections, stepped } from "../../src/screens/settings";

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

describe("settings at a narrower place", () => {
  const game = { layer: "game" as const, id: "demo/c1", name: "Meteor Mile" };
  const host = { layer: "host" as const, id: "demo", name: "Demo cloud" };
  const of = (key: string, from: Setting[]): Setting => from.find((setting) => setting.key === key) ?? expect.fail(key);

  it("are only those that may be set there", () => {
    const keys = (layer: "game" | "host"): string[] => allowedIn(settings(), layer).map((setting) => setting.key);
    expect(keys("game")).toContain("video.tearing");
    expect(keys("game")).not.toContain("network.root_certificate");
    expect(keys("host")).toContain("network.root_certificate");
    expect(keys("host")).not.toContain("window.mode");
    expect(allowedIn([{ ...of("video.size", settings()), allowed: undefined } as unknown as Setting], "game")).toEqual([]);
  });

  it("are changed in their own layer, and fall back to what counts elsewhere", () => {
    const all = resolved(settings(), "demo", "demo/c1");
    expect(of("video.size", all).layers.map((one) => one.layer)).toEqual(["game", "user", "default"]);
    expect(changed(of("video.size", all), game)).toEqual({ layer: "game", scope: "demo/c1", set: true, below: "1920x1080" });
    expect(changed(of("video.fps", all), game)).toEqual({ layer: "game", scope: "demo/c1", set: true, below: "60" });
    expect(changed(of("video.codec", all), game)).toEqual({ layer: "game", scope: "demo/c1", set: false, below: "auto" });
    // The game's value is in force, but here it is the service's that is changed.
    expect(changed(of("video.fps", all), host)).toEqual({ layer: "host", scope: "demo", set: true, below: "120" });
  });

  it("stay the user's own without a place", () => {
    const all = resolved(settings(), null, null);
    expect(changed(of("video.size", all), null)).toEqual({ layer: "user", scope: null, set: true, below: "auto" });
    expect(changed(of("video.codec", all), null)).toEqual({ layer: "user", scope: null, set: false, below: "auto" });
  });

  it("are named after their game or service, not after what they are kept by", () => {
    expect(layerName({ layer: "game", scope: "demo/c1" }, game)).toBe("For the game Meteor Mile");
    expect(layerName({ layer: "host", scope: "demo" }, game)).toBe("With Demo");
    expect(layerName({ layer: "user", scope: null }, game)).toBe("Your choice");
  });
});
