/** Whole ways through the program, each by keyboard alone, by pad events alone, and by pointer alone. */
import assert from "node:assert/strict";
import { settle } from "./harness.mjs";

const MOST_PRESSES = 60;
const KEYS = { up: "ArrowUp", down: "ArrowDown", left: "ArrowLeft", right: "ArrowRight", accept: "Enter", back: "Escape", search: "/" };

/** Sends a pad press if there is one, waits until it is drawn, and tells where the focus is and where the wanted thing. */
const look = (page, wanted = null, button = null) =>
  page.evaluate(
    async ([selector, press]) => {
      if (press) window.fake.emit({ event: "pad", button: press });
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const at = document.activeElement;
      const lost = !at || at === document.body;
      const from = (at ?? document.body).getBoundingClientRect();
      const state = {
        name: lost ? null : (at.dataset.focus ?? null),
        label: lost ? null : (at.getAttribute("aria-label") ?? at.textContent.trim()),
        x: from.x + from.width / 2,
        y: from.y + from.height / 2,
        ring: lost ? "0" : getComputedStyle(at).outlineWidth,
      };
      const target = selector && [...document.querySelectorAll(selector)].at(-1);
      if (!target) return { ...state, there: false, gone: selector !== null };
      const box = target.getBoundingClientRect();
      const apart = Math.max(0, box.top - from.bottom, from.top - box.bottom);
      return { ...state, there: at === target, gone: false, dx: box.x + box.width / 2 - state.x, dy: box.y + box.height / 2 - state.y, apart };
    },
    [wanted, button],
  );

/** The three bodies of one player: `at` brings the focus to an element and presses it, by its own means alone. */
function player(page, kind) {
  const send = async (button, wanted = null) => {
    if (kind !== "keyboard") return look(page, wanted, button);
    await page.keyboard.press(KEYS[button]);
    return look(page, wanted);
  };
  /** Walks by geometry, as somebody would who looks at the screen. */
  const walk = async (selector) => {
    await page.waitForSelector(selector, { state: "attached" });
    const trace = [];
    const tried = new Set();
    let now = await look(page, selector);
    for (let press = 0; press < MOST_PRESSES; press += 1) {
      if (now.there) return now;
      if (now.gone) {
        await page.waitForSelector(selector, { state: "attached" });
        now = await look(page, selector);
        continue;
      }
      const vertical = now.dy > 0 ? "down" : "up";
      const horizontal = now.dx > 0 ? "right" : "left";
      // Somebody who comes by the same place the same way again tries the other way.
      const seen = `${now.name} ${now.label} ${now.apart > 0}`;
      const [first, second] = now.apart > 0 !== tried.has(seen) ? [vertical, horizontal] : [horizontal, vertical];
      tried.add(seen);
      const before = now;
      now = await send(first, selector);
      if (now.x === before.x && now.y === before.y && now.name === before.name) now = await send(second, selector);
      trace.push(now.name ?? now.label);
    }
    throw new Error(`${kind}: cannot reach ${selector}: ${trace.slice(-12).join(" > ")}`);
  };
  return {
    kind,
    async at(selector) {
      if (kind === "pointer") {
        await page.click(selector);
        await settle(page);
        return;
      }
      const now = await walk(selector);
      assert.ok(Number.parseFloat(now.ring) >= 3 || now.name?.startsWith("card-"), `ring on ${selector}: ${now.ring}`);
      await send("accept");
    },
    async write(selector, text) {
      if (kind === "pointer") await page.fill(selector, text);
      else if (kind === "keyboard") {
        await walk(selector);
        await page.keyboard.type(text);
      } else {
        await walk(selector);
        await send("accept");
        for (const letter of text) {
          await page.evaluate((wanted) => {
            for (const key of document.querySelectorAll(".keys .key")) key.toggleAttribute("data-target", key.textContent === wanted);
          }, letter);
          await walk(".keys [data-target]");
          await send("accept");
        }
        await walk("[data-focus=keys-done]");
        await send("accept");
      }
      await settle(page);
    },
    async back() {
      // A dialog covers the page: its own way out comes first.
      if (kind === "pointer") await page.click((await page.$("dialog[open]")) ? "dialog[open] [aria-label=Close]" : "[data-focus=back]");
      else await send("back");
      await settle(page);
    },
    send,
    /** Where the focus is; nothing for a pointer, which has none. */
    focus: async () => (kind === "pointer" ? undefined : (await look(page)).name),
  };
}

/** What would come by itself: the next stage, place in the queue, answer of a service. */
const next = (page) => page.evaluate(() => window.fake.next() || Promise.reject(new Error("nothing was to come")));
const said = (page, text) => page.waitForFunction((wanted) => document.querySelector("[data-said]").textContent.includes(wanted), text);
const heading = (page, text) => page.waitForFunction((wanted) => [...document.querySelectorAll("h1, dialog[open] h2")].some((h) => h.textContent.includes(wanted)), text);

const all = {
  async "first run, play, report"(page, who) {
    await heading(page, "Every game");
    let presses = 0;
    await who.at("[data-focus=guest]");
    presses += 1;
    await page.waitForSelector("[data-focus^=play-]");
    // Two presses from nothing to a game: the second one is where the focus already is.
    assert.match((await who.focus()) ?? "play-", /^play-/);
    await who.at("[data-focus^=play-]:not(li + li *)");
    presses += 1;
    assert.equal(presses, 2);
    for (const words of ["Getting a machine", "Looking at the network", "Agreeing", "Finding a path", "Securing the connection", "first picture"]) {
      await next(page);
      await said(page, words);
    }
    await next(page);
    await said(page, "playing in its own window");
    if (who.kind === "pad") {
      const before = await page.evaluate(() => document.activeElement.dataset.focus);
      for (const button of ["accept", "back", "menu", "next"]) await who.send(button);
      assert.equal(await page.evaluate(() => window.nav.view.name), "play", "the pad belongs to the game while it runs");
      assert.equal(await page.evaluate(() => document.activeElement.dataset.focus), before);
      await page.evaluate(() => window.fake.endGame("bad"));
    } else {
      await who.at("[data-focus=stop]");
      await heading(page, "Stop ");
      assert.equal((await who.focus()) ?? "confirm-no", "confirm-no", "a second press by mistake must not stop the game");
      await who.at("[data-focus=confirm-no]");
      assert.equal(await page.evaluate(() => window.shell.play.state), "playing");
      await who.at("[data-focus=stop]");
      await who.at("[data-focus=confirm-yes]");
    }
    await said(page, "has ended");
    await page.waitForSelector(".score");
    await who.at("[data-focus=close]");
    await heading(page, "Library");
  },

  async "a link asks, a game that waits is ended"(page, who) {
    await page.evaluate(() => window.fake.emit({ event: "open", target: "play/north/c4@hamburg" }));
    await heading(page, "A link wants to start Night Ferry");
    assert.equal(await page.evaluate(() => window.shell.play.state), "idle");
    await who.at("[data-focus=confirm-no]");
    await heading(page, "Night Ferry");
    assert.equal(await page.evaluate(() => window.shell.play.state), "idle");
    await who.at("[data-focus=end-there]");
    await heading(page, "End Night Ferry at North Cloud?");
    await who.at("[data-focus=confirm-yes]");
    await page.waitForFunction(() => document.querySelector("[data-focus=end-there]") === null);
    await page.evaluate(() => window.fake.emit({ event: "open", target: "play/demo/c1@near" }));
    await heading(page, "A link wants to start Meteor Mile");
    await who.at("[data-focus=confirm-yes]");
    while (await page.evaluate(() => window.fake.next()));
    await said(page, "Meteor Mile is playing in its own window");
  },

  async "locked, wrong passphrase, then the link that opened the program"(page, who) {
    await heading(page, "Unlock your sign-ins");
    await page.evaluate(() => window.fake.emit({ event: "open", target: "play/demo/c1@near" }));
    await who.write("[data-focus=passphrase]", "nope");
    await who.at("main button[type=submit]");
    await page.waitForSelector(".panel");
    assert.equal((await who.focus()) ?? "passphrase", "passphrase");
    assert.equal(await page.$("dialog[open]"), null, "a link waits for the passphrase");
    await who.write("[data-focus=passphrase]", "open");
    await who.at("main button[type=submit]");
    await heading(page, "A link wants to start Meteor Mile");
    await who.back();
    await heading(page, "Meteor Mile");
    assert.equal(await page.evaluate(() => window.shell.play.state), "idle");
  },

  async "queue, then cancel"(page, who) {
    await who.at("[data-focus=card-c4]");
    await heading(page, "Night Ferry");
    await who.at("[data-focus='edition-north/c4@hamburg']");
    await said(page, "in the queue, place 3");
    await next(page);
    await said(page, "in the queue, place 2");
    await who.at("[data-focus=leave]");
    await heading(page, "Night Ferry");
    assert.equal(await page.evaluate(() => window.shell.play.state), "idle");
    await page.waitForSelector("[data-focus='edition-north/c4@hamburg']:not(:disabled)");
    assert.equal((await who.focus()) ?? "edition-north/c4@hamburg", "edition-north/c4@hamburg", "focus comes back to where it was");
    await who.back();
    await page.waitForSelector("[data-focus=card-c4]");
    assert.equal((await who.focus()) ?? "card-c4", "card-c4");
  },

  async "declined sign-in, then out"(page, who) {
    await who.at("[data-focus=sign-in]");
    await heading(page, "Accounts");
    await who.at("[data-focus=account-demo]");
    await who.at("[data-focus=way-device_code]");
    await next(page);
    await page.waitForSelector(".letters");
    await next(page);
    await page.waitForSelector(".panel");
    assert.match(await page.textContent(".panel"), /declined.*Next step/s);
    await who.at("[data-focus=other-way]");
    await who.at("[data-focus=way-guest]");
    await page.waitForSelector("[data-focus^=play-]");
  },

  async "a setting, why, and back"(page, who) {
    if (who.kind === "pad") await who.send("menu");
    else await who.at("[data-focus=nav-settings]");
    await heading(page, "Settings");
    await who.at("[data-focus=section-look]");
    await who.at("[data-focus='set-look.theme']");
    await who.at("dialog [role=radio]:nth-child(3)");
    await page.waitForFunction(() => document.documentElement.dataset.theme === "light");
    await who.at("[data-focus=section-video]");
    await who.at("[data-focus='why-video.size']");
    assert.match(await page.textContent("dialog"), /Your choice.*1080p.*As delivered/s);
    await who.back();
    assert.equal(await page.$("dialog[open]"), null);
    await who.write("[data-focus=settings-search]", "keyboard");
    await who.at("[data-focus='set-input.keyboard']");
    await who.at("dialog [role=radio]:nth-child(2)");
    await page.waitForFunction(() => window.shell.setting("input.keyboard") === "pad");
  },

  async "settings for one game, and one service"(page, who) {
    await who.at("[data-focus=card-c1]");
    await heading(page, "Meteor Mile");
    await who.at("[data-focus=game-settings]");
    await who.at("[data-focus='settings-demo/c1']");
    await page.waitForFunction(() => window.nav.view.name === "settings");
    await heading(page, "Meteor Mile");
    await page.waitForSelector("[data-focus='set-video.size']");
    assert.equal(await page.$("[data-focus='set-video.renderer'], [data-focus=section-look]"), null, "what cannot be set here is not shown");
    await who.at("[data-focus='why-video.fps']");
    assert.match(await page.textContent("dialog"), /For the game Meteor Mile.*120.*With Demo cloud.*60 a second.*As delivered/s);
    await who.back();
    await who.at("[data-focus='reset-video.fps']");
    await page.waitForFunction(() => document.querySelector("[data-focus='set-video.fps']").textContent.includes("60"));
    await who.at("[data-focus='set-video.codec']");
    await who.at("dialog [role=radio]:nth-child(4)");
    await page.waitForSelector("[data-focus='reset-video.codec']");
    // Only there: the user's own setting is as it was.
    assert.equal(await page.evaluate(() => window.shell.setting("video.codec")), "auto");
    await who.back();
    await heading(page, "Meteor Mile");
    await who.back();
    await who.at("[data-focus=nav-accounts]");
    await who.at("[data-focus=settings-demo]");
    await heading(page, "Demo cloud");
    await page.waitForFunction(() => document.querySelector("[data-focus='set-video.codec']").textContent.includes("Fastest"));
    assert.match(await page.textContent("li.here"), /60 a second|Set here/);
  },

  async "search, favourite, filter"(page, who) {
    await who.write("[data-focus=search]", "ferry");
    await page.waitForFunction(() => document.querySelectorAll(".tile").length === 1);
    await who.at("[data-focus=card-c4]");
    await who.at("[data-focus=favourite]");
    await page.waitForSelector("[data-focus=favourite][aria-pressed=true]");
    await who.back();
    assert.equal(await page.inputValue("[data-search]"), "ferry", "the search is still there after a look at a card");
    await who.at("[data-focus=filter]");
    await who.at("dialog .chip:nth-child(2)");
    await who.at("[data-focus=filter-done]");
    await page.waitForFunction(() => [...document.querySelectorAll(".tile .title")].every((t) => t.textContent.includes("Ferry")));
  },

  async "wrong PIN three times, then the right one"(page, who) {
    await who.at("[data-focus=nav-hosts]");
    await heading(page, "Hosts");
    await who.at("[data-focus='pair-home/h3']");
    for (const pin of ["1111", "2222", "3333"]) {
      await who.write("dialog [data-focus=field]", pin);
      await who.at("dialog [data-focus=submit]");
      await page.waitForSelector("dialog .panel");
      assert.equal(await page.inputValue("dialog [data-focus=field]"), "");
    }
    await who.write("dialog [data-focus=field]", "1234");
    await who.at("dialog [data-focus=submit]");
    await page.waitForFunction(() => document.querySelector("dialog[open]") === null);
    await page.waitForSelector("[data-focus='forget-home/h3']");
  },
};

const START = { "first run, play, report": "first-run", "declined sign-in, then out": "code-declined", "locked, wrong passphrase, then the link that opened the program": "locked" };

async function travel(seat, name, kind) {
  const page = await seat.open({ scenario: START[name] });
  await all[name](page, player(page, kind));
  return seat.wrong();
}

export const journeys = {
  tasks: () =>
    Object.keys(all).flatMap((name) => ["keyboard", "pad", "pointer"].map((kind) => ({ name: `${name}, ${kind}`, run: (seat) => travel(seat, name, kind) }))),
  sum: (done) => `${done} journeys, each by keyboard alone, by pad alone, by pointer alone`,
};
