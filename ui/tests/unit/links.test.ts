import { beforeEach, describe, expect, it, vi } from "vitest";
import { Fake } from "../../src/backend/fake";
import { de } from "../../src/i18n/de";
import { setLanguage } from "../../src/i18n/index.svelte";
import { Links } from "../../src/state/links.svelte";
import { nav } from "../../src/state/nav.svelte";
import { shell } from "../../src/state/shell.svelte";

describe("targets from outside", () => {
  let fake: Fake;
  let links: Links;
  beforeEach(() => {
    fake = new Fake("library", { step: 0 });
    shell.backend = fake;
    shell.notes = [];
    links = new Links();
    nav.root({ name: "library" });
    setLanguage("en");
  });

  it("lead to sections, screens, and cards by their own id or an edition's", async () => {
    const seen = [];
    for (const target of ["settings", "accounts", "hosts", "doctor", "card/c4", "card/north/c4", "card/north/c4@hamburg", "library"]) {
      await links.open(target);
      seen.push(JSON.stringify(nav.view));
    }
    const card = JSON.stringify({ name: "card", id: "c4" });
    expect(seen).toEqual([...["settings", "accounts", "hosts", "doctor"].map((name) => JSON.stringify({ name })), card, card, card, JSON.stringify({ name: "library" })]);
    expect(shell.notes).toEqual([]);
  });

  it("ask before they play, and start only when one says so", async () => {
    const play = vi.spyOn(fake, "play");
    await links.open("play/demo/c1@near");
    expect(nav.view).toEqual({ name: "card", id: "c1" });
    expect(links.asked).toEqual({ editionId: "demo/c1@near", title: "Meteor Mile", name: "Demo cloud", place: "Near" });
    links.refuse();
    await links.accept();
    expect(play).not.toHaveBeenCalled();
    await links.open("play/demo/c1@near");
    await links.accept();
    expect(play).toHaveBeenCalledExactlyOnceWith("demo/c1@near");
    expect(links.asked).toBeNull();
  });

  it("take the best place where none is named", async () => {
    await links.open("play/north/c1");
    expect(links.asked?.editionId).toBe("north/c1@hamburg");
    await links.open("play/demo/c1");
    expect(links.asked?.editionId).toBe("demo/c1@near");
  });

  it("say so in a sentence when they cannot be followed, and never play", async () => {
    for (const target of ["", "elsewhere", "library/x", "card/", "play", "play/"]) {
      shell.notes = [];
      await links.open(target);
      expect([target, shell.notes.map((note) => note.problem.what)]).toEqual([target, ["This link leads nowhere."]]);
    }
    shell.notes = [];
    // The card that is not there says so on its own screen.
    await links.open("play/demo/none@near");
    expect([nav.view, links.asked]).toEqual([{ name: "card", id: "demo/none@near" }, null]);
    await links.open("play/demo/c1@moon");
    expect(shell.notes.map((note) => note.problem.what)).toEqual(["This link cannot start Meteor Mile."]);
    // Not in the account: the service's own reason.
    await links.open("play/north/c8@hamburg");
    expect(shell.notes.at(-1)?.problem.why).toContain("Buy it there");
    expect(links.asked).toBeNull();
    setLanguage("de");
    await links.open("nirgends");
    expect(shell.notes.at(-1)?.problem.what).toBe(de["link.unknown"]);
  });

  it("follow the newest when answers overtake one another", async () => {
    const card = fake.card;
    let answer = (): void => {};
    fake.card = (id) => (id.includes("c1") ? new Promise((done) => (answer = () => void card(id).then(done))) : card(id));
    const first = links.open("play/demo/c1@near");
    await links.open("play/north/c4@hamburg");
    answer();
    await first;
    expect([nav.view, links.asked?.title]).toEqual([{ name: "card", id: "c4" }, "Night Ferry"]);
  });
});
