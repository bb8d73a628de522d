/** Serves the built fake entry under the policy of the shell, and drives Chromium over it. */
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const UI = fileURLToPath(new URL("../../", import.meta.url));
const ROOT = join(UI, "test-output/fake");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** Stricter than what the shell sends: the fake needs no connection at all. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

export function browserPath() {
  const wish = process.env.ENTENTE_CHROMIUM;
  return [wish, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
}

export async function serve() {
  const server = createServer((request, response) => {
    const path = normalize(join(ROOT, new URL(request.url ?? "/", "http://localhost").pathname));
    if (!path.startsWith(ROOT) || !existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "content-security-policy": POLICY });
    createReadStream(path).pipe(response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { server, address: `http://127.0.0.1:${server.address().port}` };
}

export async function launch() {
  return chromium.launch({
    executablePath: browserPath(),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page on a scenario; every error, policy violation and foreign request is collected in `faults`. */
export async function open(browser, address, { scenario = "library", theme = "dark", language = "en", tv = false, step, width = 1280, height = 800, motion = "reduce" } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: motion });
  const page = await context.newPage();
  page.setDefaultTimeout(8000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith("data:")) faults.push(`asked for ${request.url()}`);
  });
  const query = new URLSearchParams({ scenario, theme, language, tv: tv ? "1" : "0" });
  if (step !== undefined) query.set("step", String(step));
  await page.goto(`${address}/fake.html?${query}`);
  await page.waitForSelector("main h1, main .busy");
  await settle(page);
  return { page, faults, close: () => context.close() };
}

/** Until nothing loads any more and two frames were drawn. */
export async function settle(page) {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}
