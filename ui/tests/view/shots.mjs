/** Every state in both themes and sizes: a picture, axe-core without findings, nothing that sticks out of the window. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { open, settle, UI } from "./harness.mjs";
import { states } from "./states.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = [
  [1280, 800],
  [1920, 1080],
];

export async function shots(browser, address, only) {
  const folder = join(UI, "test-output/shots");
  mkdirSync(folder, { recursive: true });
  const findings = [];
  let pictures = 0;
  let checked = 0;
  for (const [name, scenario, reach, step] of states) {
    if (only && !only.test(name)) continue;
    const { page, faults, close } = await open(browser, address, { scenario, step });
    if (reach) await reach(page).catch((error) => findings.push(`${name}: ${error}`));
    await settle(page);
    for (const theme of ["dark", "light"]) {
      try {
        await page.evaluate((to) => (document.documentElement.dataset.theme = to), theme);
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          await settle(page);
          await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`) });
          pictures += 1;
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          if (wide > 0) findings.push(`${name} ${theme} ${width}: ${wide} px too wide`);
        }
        if (theme === "dark") await page.evaluate(axe);
        const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        checked += 1;
        for (const violation of result.violations) {
          findings.push(`${name} ${theme}: ${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(" | ")} ${violation.nodes[0]?.any[0]?.message ?? ""}`);
        }
      } catch (error) {
        findings.push(`${name} ${theme}: ${error}`);
      }
    }
    findings.push(...faults.map((fault) => `${name}: ${fault}`));
    await close();
  }
  console.log(`shots: ${pictures} pictures in test-output/shots, axe-core on ${checked} states, ${findings.length} findings`);
  assert.deepEqual(findings, []);
}
