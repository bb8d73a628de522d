/** 20 000 titles: what a key press in the search costs, and how evenly the shelf scrolls. Figures, and bounds far above them. */
import assert from "node:assert/strict";
import { open, settle } from "./harness.mjs";

const at = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];

export async function speed(browser, address) {
  const { page, faults, close } = await open(browser, address, { scenario: "library-20000" });
  await page.waitForSelector(".tile");
  const { search, frames, tiles } = await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const field = document.querySelector("[data-search]");
    const search = [];
    for (const text of ["g", "gl", "gla", "glas", "glass", "glass b", "glass bridge", "", "m", "mi", "midnight", "s", "si", "silver", "silver t", ""]) {
      const from = performance.now();
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      const count = () => document.querySelector(".title [role=status]")?.textContent ?? "";
      // Until the first tile shows what was asked for.
      for (;;) {
        await Promise.resolve();
        const first = document.querySelector(".tile .title")?.textContent.toLowerCase() ?? "";
        if (first.includes(text) && count() !== "" && document.querySelector("h2#all-title") !== null) break;
        await frame();
      }
      search.push(performance.now() - from);
      await frame();
    }
    const scroller = document.querySelector(".scroller");
    const frames = [];
    let tiles = 0;
    let last = await frame();
    for (let step = 0; step < 180; step += 1) {
      scroller.scrollTop += step < 120 ? 120 : 2400;
      const now = await frame();
      frames.push(now - last);
      last = now;
      tiles = Math.max(tiles, document.querySelectorAll(".grid li").length);
    }
    return { search, frames, tiles };
  });
  await settle(page);
  // Holding "down" on a pad: eleven presses a second, focus must keep up.
  await page.evaluate(() => (document.querySelector(".scroller").scrollTop = 0));
  await page.focus(".tile");
  const started = Date.now();
  for (let press = 0; press < 60; press += 1) await page.evaluate(() => window.fake.emit({ event: "pad", button: "down" }));
  const pressed = (Date.now() - started) / 60;
  const index = await page.evaluate(() => Number(document.activeElement.dataset.index));
  search.sort((a, b) => a - b);
  frames.sort((a, b) => a - b);
  console.log(
    `speed, 20 000 titles: key press to shown result p50 ${at(search, 0.5).toFixed(1)} ms, worst ${at(search, 1).toFixed(1)} ms; ` +
      `scroll frames p50 ${at(frames, 0.5).toFixed(1)} ms, p95 ${at(frames, 0.95).toFixed(1)} ms, worst ${at(frames, 1).toFixed(1)} ms; ` +
      `${tiles} tiles at most; one pad press ${pressed.toFixed(1)} ms`,
  );
  assert.deepEqual(faults, []);
  assert.ok(tiles < 120, `only what is near the window may exist: ${tiles}`);
  assert.ok(index >= 60 * 4, `60 presses down must go 60 rows down, went to tile ${index}`);
  await close();
}
