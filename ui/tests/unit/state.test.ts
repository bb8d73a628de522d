import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Card, LibraryPage, LibraryQuery, Result } from "../../src/backend/api";
import { Fake } from "../../src/backend/fake";
import { problems } from "../../src/backend/fakeProblems";
import { PAGE, Shelf } from "../../src/state/library.svelte";
import { Nav } from "../../src/state/nav.svelte";
import { Shell, shell } from "../../src/state/shell.svelte";

const card = (id: number): Card => ({ id: `c${id}`, title: `Game ${id}`, art: null, favourite: false, hidden: false, providers: [], genres: [], lastPlayed: null, playtimeSeconds: 0, playable: true, running: false });

function pageOf(query: LibraryQuery, total: number): Result<LibraryPage> {
  const cards = Array.from({ length: Math.max(0, Math.min(query.limit, total - query.offset)) }, (_, i) => card(query.offset + i));
  return { status: "ok", data: { cards, total, asOf: 1, refreshing: false, problems: [], genres: [] } };
}

describe("the shelf", () => {
  let fake: Fake;
  beforeEach(() => {
    fake = new Fake("library", { step: 0 });
    shell.backend = fake;
  });

  it("loads only the pages that are looked at, each once", async () => {
    const asked: number[] = [];
    fake.library = (query) => {
      if (query.limit === PAGE) asked.push(query.offset / PAGE);
      return Promise.resolve(pageOf(query, 20_000));
    };
    const shelf = new Shelf();
    await shelf.reload();
    shelf.need(0, 60);
    shelf.need(PAGE * 40, PAGE * 41);
    shelf.need(PAGE * 40, PAGE * 41);
    await vi.waitFor(() => expect(shelf.at(PAGE * 41)?.id).toBe(`c${PAGE * 41}`));
    expect(asked).toEqual([0, 40, 41]);
    expect(shelf.at(PAGE * 80)).toBeNull();
  });

  it("shows the answer to the newest search when answers overtake one another", async () => {
    const answers: (() => void)[] = [];
    fake.library = (query) =>
      new Promise((done) => {
        if (query.limit === PAGE) answers.push(() => done(pageOf(query, query.search.length)));
        else done(pageOf(query, 0));
      });
    const shelf = new Shelf();
    shelf.set({ search: "a" });
    shelf.set({ search: "abc" });
    answers[1]?.();
    await vi.waitFor(() => expect(shelf.total).toBe(3));
    answers[0]?.();
    await new Promise((done) => setTimeout(done, 5));
    expect(shelf.total).toBe(3);
  });

  it("keeps what it has when a reload fails, and asks again for a page that failed", async () => {
    let fail = false;
    fake.library = (query) => Promise.resolve(fail ? { status: "error", error: problems.offline } : pageOf(query, 500));
    const shelf = new Shelf();
    await shelf.reload();
    fail = true;
    shelf.need(PAGE, PAGE + 1);
    await shelf.reload();
    expect([shelf.total, shelf.at(0)?.id, shelf.problem?.kind]).toEqual([500, "c0", "offline"]);
    fail = false;
    shelf.need(PAGE * 2, PAGE * 2 + 1);
    await vi.waitFor(() => expect(shelf.at(PAGE * 2)).not.toBeNull());
  });
});

describe("the way about", () => {
  it("goes in, back out, and never out of the program", () => {
    const nav = new Nav();
    nav.go({ name: "card", id: "1" });
    nav.go({ name: "card", id: "1" });
    nav.go({ name: "play" });
    expect(nav.stack.length).toBe(3);
    nav.back();
    nav.back();
    nav.back();
    expect(nav.view.name).toBe("library");
  });

  it("walks the sections in a circle and leads back from them to the library", () => {
    const nav = new Nav();
    const seen = [1, 1, 1, 1].map(() => (nav.step(1), nav.view.name));
    expect(seen).toEqual(["hosts", "accounts", "settings", "library"]);
    nav.step(-1);
    expect(nav.view.name).toBe("settings");
    nav.back();
    expect(nav.view.name).toBe("library");
  });

  it("puts the report in the place of the game, so that back leads to the shelf", () => {
    const nav = new Nav();
    nav.go({ name: "play" });
    nav.replace({ name: "report" });
    nav.back();
    expect(nav.view.name).toBe("library");
  });
});

describe("messages", () => {
  it("say a thing once, keep the newest three, and try again", async () => {
    const own = new Shell();
    own.note(problems.offline);
    own.note(problems.offline);
    expect(own.notes.length).toBe(1);
    for (const one of [problems.declined, problems.disk_full, problems.wrong_pin]) own.note(one);
    expect(own.notes.map((note) => note.problem.kind)).toEqual(["declined", "storage", "bad_input"]);

    let tries = 0;
    const action = (): Promise<Result<number>> => Promise.resolve(++tries === 1 ? { status: "error", error: problems.service_busy } : { status: "ok", data: 7 });
    expect(await own.act(action)).toBeNull();
    own.notes.at(-1)?.again?.();
    await vi.waitFor(() => expect(tries).toBe(2));
    expect(await own.act(() => Promise.resolve({ status: "error", error: problems.revoked }))).toBeNull();
    expect(own.notes.at(-1)?.again).toBeNull();
  });

  it("follow a refresh from its start to its end", () => {
    const own = new Shell();
    own.take({ event: "refresh", provider: "demo", done: 1, total: 9, finished: false });
    own.take({ event: "refresh", provider: "north", done: 0, total: null, finished: false });
    own.take({ event: "refresh", provider: "demo", done: 9, total: 9, finished: true });
    expect(own.refreshing).toEqual({ north: { done: 0, total: null } });
  });
});
