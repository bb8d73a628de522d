/** Whole ways through the program, each by keyboard alone, by pad events alone, and by pointer alone. */
import assert from "node:assert/strict";
import { open, settle } from "./harness.mjs";

const MOST_PRESSES = 60;

/** What has focus: its own name, or what it is called. */
const focused = (page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const box = at.getBoundingClientRect();
    return { name: at.dataset.focus ?? null, label: at.getAttribute("aria-label") ?? at.textContent.trim(), tag: at.tagName, x: box.x + box.width / 2, y: box.y + box.height / 2, ring: getComputedStyle(at).outlineWidth };
  });

const KEYS = { up: "ArrowUp", down: "ArrowDown", left: "ArrowLeft", right: "ArrowRight", accept: "Enter", back: "Escape", search: "/" };

/** The three bodies of one player: `press` for buttons; `at` brings the focus to an element and presses it. */
function player(page, kind) {
  const send = async (button) => {
    if (kind === "keyboard") await page.keyboard.press(KEYS[button]);
    else await page.evaluate((b) => window.fake.emit({ event: "pad", button: b }), button);
    await settle(page);
  };
  /** Walks by geometry, as somebody would who looks at the screen. */
  const walk = async (selector) => {
    await page.waitForSelector(selector, { state: "attached" });
    const trace = [];
    const tried = new Set();
    for (let press = 0; press < MOST_PRESSES; press += 1) {
      const state = await page.evaluate((wanted) => {
        const all = [...document.querySelectorAll(wanted)];
        const target = all.at(-1);
        const at = document.activeElement;
        const box = target.getBoundingClientRect();
        const from = at.getBoundingClientRect();
        const apart = Math.max(0, box.top - from.bottom, from.top - box.bottom);
        return { there: at === target, lost: at === document.body, dx: box.x + box.width / 2 - (from.x + from.width / 2), dy: box.y + box.height / 2 - (from.y + from.height / 2), apart };
      }, selector);
      if (state.there) return;
      const vertical = state.dy > 0 ? "down" : "up";
      const horizontal = state.dx > 0 ? "right" : "left";
      const before = await focused(page);
      // Somebody who comes by the same place the same way again tries the other way.
      const seen = `${before?.name} ${before?.label} ${state.apart > 0}`;
      const [first, second] = state.apart > 0 !== tried.has(seen) ? [vertical, horizontal] : [horizontal, vertical];
      tried.add(seen);
      await send(first);
      let now = await focused(page);
      if (now?.x === before?.x && now?.y === before?.y && now?.name === before?.name) await send(second);
      now = await focused(page);
      trace.push(now?.name ?? now?.label);
    }
    throw new Error(`${kind}: cannot reach ${selector}: ${trace.slice(-12).join(" > ")}`);
  };
  return {
    kind,
    async at(selector) {
      if (kind === "pointer") await page.click(selector);
      else {
        await walk(selector);
        const now = await focused(page);
        assert.ok(Number.parseFloat(now.ring) >= 3 || now.name?.startsWith("card-"), `ring on ${selector}: ${now.ring}`);
        await send("accept");
      }
      await settle(page);
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
            for (const key of document.querySelectorAll(".keys .key")) if (key.textContent === wanted) key.setAttribute("data-target", "");
              else key.removeAttribute("data-target");
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
      if (kind === "pointer") await page.click("[data-focus=back], dialog [aria-label=Close]");
      else await send("back");
      await settle(page);
    },
    send,
  };
}

const said = (page, text) => page.waitForFunction((wanted) => document.querySelector("[data-said]").textContent.includes(wanted), text);
const heading = (page, text) => page.waitForFunction((wanted) => [...document.querySelectorAll("h1, dialog[open] h2")].some((h) => h.textContent.includes(wanted)), text);

const journeys = {
  async "first run, play, report"(page, who) {
    await heading(page, "Every game");
    let presses = 0;
    await who.at("[data-focus=guest]");
    presses += 1;
    await page.waitForSelector("[data-focus^=play-]");
    await settle(page);
    // Two presses from nothing to a game: the second one is where the focus already is.
    if (who.kind !== "pointer") assert.match((await focused(page)).name ?? "", /^play-/);
    await who.at("[data-focus^=play-]:not(li + li *)");
    presses += 1;
    assert.equal(presses, 2);
    await said(page, "Securing the connection");
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
      if (who.kind !== "pointer") assert.equal((await focused(page)).name, "confirm-no", "a second press by mistake must not stop the game");
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
    await said(page, "Meteor Mile is playing in its own window");
  },

  async "queue, then cancel"(page, who) {
    await who.at("[data-focus=card-c4]");
    await heading(page, "Night Ferry");
    await who.at("[data-focus='edition-north/c4@hamburg']");
    await said(page, "in the queue, place 3");
    await said(page, "in the queue, place 2");
    await who.at("[data-focus=leave]");
    await heading(page, "Night Ferry");
    assert.equal(await page.evaluate(() => window.shell.play.state), "idle");
    await settle(page);
    if (who.kind !== "pointer") assert.equal((await focused(page)).name, "edition-north/c4@hamburg", "focus comes back to where it was");
    await who.back();
    await page.waitForSelector("[data-focus=card-c4]");
    await settle(page);
    if (who.kind !== "pointer") assert.equal((await focused(page)).name, "card-c4");
  },

  async "declined sign-in, then out"(page, who) {
    await who.at("[data-focus=sign-in]");
    await heading(page, "Accounts");
    await who.at("[data-focus=account-demo]");
    await who.at("[data-focus=way-device_code]");
    await page.waitForSelector(".letters");
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

/** Long enough to act in, ms: a place in the queue must not pass while somebody walks to the button. */
const STEP = { "queue, then cancel": 2000 };
const START = { "first run, play, report": "first-run", "declined sign-in, then out": "code-declined" };

export async function journeys_(browser, address, only) {
  let done = 0;
  const bad = [];
  for (const [name, journey] of Object.entries(journeys)) {
    if (only && !only.test(name)) continue;
    for (const kind of ["keyboard", "pad", "pointer"]) {
      const { page, faults, close } = await open(browser, address, { scenario: START[name] ?? "library", step: STEP[name] ?? 300 });
      try {
        await journey(page, player(page, kind));
        assert.deepEqual(faults, []);
        done += 1;
      } catch (error) {
        bad.push(`${name}, ${kind}: ${error.message}`);
        await page.screenshot({ path: `test-output/failed-${name.replace(/\W+/g, "-")}-${kind}.png` });
      } finally {
        await close();
      }
    }
  }
  console.log(`journeys: ${done} of ${done + bad.length} done (keyboard alone, pad alone, pointer alone)`);
  assert.deepEqual(bad, []);
}

export { journeys_ as journeys };
