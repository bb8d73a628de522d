/** All view tests. Arguments: names of parts (`shots`, `journeys`, `tv`, `speed`); `--only=REGEX` for single states. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { browserPath, launch, serve, UI } from "./harness.mjs";
import { shots } from "./shots.mjs";

if (!browserPath()) {
  console.log("skipped: no Chromium found; install it, or name it in ENTENTE_CHROMIUM");
  process.exit(0);
}
const only = process.argv.find((word) => word.startsWith("--only="))?.slice(7);
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const parts = { shots };
for (const name of ["journeys", "tv", "speed"]) {
  const module = await import(`./${name}.mjs`).catch((error) => {
    if (error.code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  });
  if (module) parts[name] = module[name];
}
if (!only) rmSync(join(UI, "test-output/shots"), { recursive: true, force: true });

const { server, address } = await serve();
const browser = await launch();
let bad = 0;
for (const [name, part] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  try {
    await part(browser, address, only && new RegExp(only));
  } catch (error) {
    bad += 1;
    console.error(`${name}: ${error.message}`);
  }
}
await browser.close();
server.close();
process.exitCode = bad === 0 ? 0 : 1;
