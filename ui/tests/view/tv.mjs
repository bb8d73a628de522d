/** The 10-foot mode: no text under 24 px at 1080p, nothing too wide, axe without findings; and German fits as English does. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, settle, UI } from "./harness.mjs";
import { states } from "./states.mjs";

const NAMES = ["welcome", "library", "card", "signin-code", "hosts", "play-starting", "report-bad", "settings", "doctor", "about", "keyboard"];

export async function tv(browser, address) {
  const folder = join(UI, "test-output/shots");
  mkdirSync(folder, { recursive: true });
  const findings = [];
  for (const [name, scenario, reach, step] of states.filter(([name]) => NAMES.includes(name))) {
    for (const [kind, look] of [["tv", { tv: true, width: 1920, height: 1080 }], ["de", { language: "de", width: 1280, height: 800 }]]) {
      const { page, faults, close } = await open(browser, address, { scenario, step, ...look });
      if (reach) await reach(page);
      await settle(page);
      await page.screenshot({ path: join(folder, `${name}-${kind}.png`) });
      findings.push(...faults.map((fault) => `${name} ${kind}: ${fault}`));
      const state = await page.evaluate(() => {
        const small = [];
        const cut = [];
        for (const element of document.querySelectorAll("body *")) {
          const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
          if (!own || element.closest(".unseen, [aria-hidden=true], svg") || element.getClientRects().length === 0) continue;
          const size = Number.parseFloat(getComputedStyle(element).fontSize);
          if (size < 23.99) small.push(`${element.tagName} ${element.className} ${size}`);
          if (element.matches("button, h1, h2, h3") && element.scrollWidth > element.clientWidth + 1) cut.push(element.textContent.trim());
        }
        return { small, cut, wide: document.documentElement.scrollWidth - window.innerWidth };
      });
      if (kind === "tv") findings.push(...state.small.map((what) => `${name}: ${what}`));
      findings.push(...state.cut.map((what) => `${name} ${kind}: cut: ${what}`));
      if (state.wide > 0) findings.push(`${name} ${kind}: ${state.wide} px too wide`);
      await close();
    }
  }
  console.log(`tv and German: ${NAMES.length} screens each, ${findings.length} findings`);
  assert.deepEqual([...new Set(findings)], []);
}
