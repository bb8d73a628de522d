/**
 * All view tests, on one browser, from as many pages as there are processors (two at most). Arguments: names of parts
 * (`journeys`, `shots`, `tv`, `product`, `speed`); `--only=REGEX` for single tasks. Ends with a summary; any finding is a
 * failure.
 */
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { browserPath, built, launch, OUT, Seat, serve } from "./harness.mjs";
import { journeys } from "./journeys.mjs";
import { product } from "./product.mjs";
import { shots } from "./shots.mjs";
import { speed } from "./speed.mjs";
import { tv } from "./tv.mjs";

/** A task that takes longer than this hangs, ms: the slowest takes a tenth of it. */
const LIMIT = 60_000;
/** Long ones first, so that no seat is left alone with one; figures last, when nothing else runs. */
const PARTS = { journeys, shots, tv, product, speed };

if (!browserPath()) {
  console.log("skipped: no Chromium found; install it, or name it in ENTENTE_CHROMIUM");
  process.exit(0);
}
if (!built("fake")) {
  console.error("test-output/fake is not built: npm run build:fake");
  process.exit(1);
}
const only = process.argv.find((word) => word.startsWith("--only="))?.slice(7);
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const strange = wanted.filter((name) => !(name in PARTS));
if (strange.length > 0) {
  console.error(`no such part: ${strange.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
  process.exit(1);
}
if (!only && wanted.length === 0) rmSync(join(OUT, "shots"), { recursive: true, force: true });

const started = Date.now();
const { server, address } = await serve();
const browser = await launch();
const results = Object.fromEntries(Object.keys(PARTS).map((part) => [part, { done: 0, bad: [], took: 0 }]));

function tasksOf(names) {
  return names
    .filter((part) => wanted.length === 0 || wanted.includes(part))
    .flatMap((part) => PARTS[part].tasks().map((task) => ({ ...task, part })))
    .filter((task) => !only || new RegExp(only).test(task.name));
}

async function limited(work) {
  let timer;
  const over = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error(`not done after ${LIMIT / 1000} s`)), LIMIT)));
  return Promise.race([work, over]).finally(() => clearTimeout(timer));
}

async function work(queue) {
  let seat = null;
  for (let task = queue.shift(); task; task = queue.shift()) {
    const result = results[task.part];
    const from = Date.now();
    try {
      if (!seat) {
        seat = new Seat(browser, address);
        await seat.start();
      }
      const found = await limited(task.run(seat));
      if (found.length > 0) result.bad.push(...found.map((finding) => `${task.name}: ${finding}`));
      else result.done += 1;
    } catch (error) {
      result.bad.push(`${task.name}: ${error.message}`);
      await seat?.picture(`failed-${task.name.replace(/\W+/g, "-")}`).catch(() => {});
      // Whatever state the page is in, the next task gets another.
      await seat?.close().catch(() => {});
      seat = null;
    }
    result.took += Date.now() - from;
  }
  await seat?.close();
}

const shared = tasksOf(Object.keys(PARTS).filter((part) => part !== "speed"));
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, () => work(shared)));
await work(tasksOf(["speed"]));
await browser.close();
server.close();

let bad = 0;
for (const [part, { done, bad: findings, took }] of Object.entries(results)) {
  if (wanted.length > 0 && !wanted.includes(part)) continue;
  for (const finding of findings) console.error(`  ${part}: ${finding}`);
  const sum = PARTS[part].sum(done);
  console.log(`${part}: ${sum}${findings.length === 0 ? "" : `; ${findings.length} FINDINGS`} (${(took / 1000).toFixed(0)} s)`);
  bad += findings.length;
}
console.log(`view: ${bad === 0 ? "all well" : `FAILED, ${bad} findings`} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
process.exitCode = bad === 0 ? 0 : 1;
