/** Serves the built pages under the policy of the shell, and drives one Chromium over them from a few seats. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const UI = fileURLToPath(new URL("../../", import.meta.url));
export const OUT = join(UI, "test-output");
const FOLDERS = { fake: join(OUT, "fake"), dist: join(UI, "dist") };
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** What the shell sends with the product's page (`src-tauri`). */
const PRODUCT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' entente-art: http://entente-art.localhost; font-src 'self'; " +
  "connect-src ipc: http://ipc.localhost; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** The fake answers from its own page: it needs no connection at all. */
const FAKE_POLICY = PRODUCT_POLICY.replace(/connect-src [^;]+/, "connect-src 'none'");

export function browserPath() {
  const wish = process.env.ENTENTE_CHROMIUM;
  const known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  return (wish ? [wish] : known).find((path) => existsSync(path));
}

export const built = (page) => existsSync(join(FOLDERS[page], page === "fake" ? "fake.html" : "index.html"));

/** `/fake/…` and `/dist/…` are the two builds; `/axe.js` is for the tests. */
export async function serve() {
  const files = new Map();
  const read = (path) => {
    if (!files.has(path)) files.set(path, existsSync(path) ? readFileSync(path) : null);
    return files.get(path);
  };
  const server = createServer((request, response) => {
    const address = new URL(request.url ?? "/", "http://localhost").pathname;
    // Browsers ask for it by themselves; the shell's web view does not.
    if (address === "/favicon.ico") return response.writeHead(204).end();
    const [, folder, rest] = /^\/(fake|dist)\/(.+)$/.exec(address) ?? [];
    const path = address === "/axe.js" ? AXE : folder && normalize(join(FOLDERS[folder], rest));
    const inside = path === AXE || (path && path.startsWith(FOLDERS[folder] + sep));
    const bytes = inside ? read(path) : null;
    if (!bytes) return response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "content-security-policy": folder === "dist" ? PRODUCT_POLICY : FAKE_POLICY,
      // The same few files for every page: the browser keeps them, and what it made of them.
      "cache-control": "max-age=3600",
    });
    response.end(bytes);
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

/** One page that is used again and again, each time from a fresh load. Its faults are those of the load it is on. */
export class Seat {
  constructor(browser, address) {
    this.browser = browser;
    this.address = address;
    this.faults = [];
  }

  async start() {
    this.context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
    this.page = await this.context.newPage();
    this.cdp = await this.context.newCDPSession(this.page);
    this.page.setDefaultTimeout(8000);
    await this.page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`));
    });
    this.page.on("pageerror", (error) => this.faults.push(String(error)));
    this.page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.faults.push(message.text());
    });
    this.page.on("request", (request) => {
      if (!request.url().startsWith(`${this.address}/`)) this.faults.push(`asked for ${request.url().slice(0, 200)}`);
    });
  }

  /** Loads the view on a scenario of the fake. */
  async open({ scenario = "library", theme = "dark", language = "en", tv = false, step = 0, width = 1280, height = 800 } = {}) {
    await this.size(width, height);
    const query = new URLSearchParams({ scenario, theme, language, tv: tv ? "1" : "0", step: String(step) });
    await this.load(`/fake/fake.html?${query}`);
    await this.page.waitForSelector("main h1, main .busy", { state: "attached" });
    await settle(this.page);
    return this.page;
  }

  /** The product's own page; `before` runs in it first. */
  async openProduct(before) {
    await this.page.addInitScript(before);
    await this.load("/dist/index.html");
    return this.page;
  }

  async load(path) {
    this.faults = [];
    await this.page.goto(this.address + path);
  }

  async size(width, height) {
    const now = this.page.viewportSize();
    if (now.width !== width || now.height !== height) await this.page.setViewportSize({ width, height });
  }

  /** What went wrong since the page was loaded: errors, foreign requests, breaches of the policy. */
  async wrong() {
    return [...new Set([...this.faults, ...(await this.page.evaluate(() => window.violations))])];
  }

  /** A picture of the window in `test-output`; quick rather than small. */
  async picture(name) {
    const path = join(OUT, `${name}.png`);
    mkdirSync(join(path, ".."), { recursive: true });
    const { data } = await this.cdp.send("Page.captureScreenshot", { format: "png", optimizeForSpeed: true });
    writeFileSync(path, Buffer.from(data, "base64"));
  }

  async axe() {
    await this.page.addScriptTag({ url: "/axe.js" });
    return this.check();
  }

  /** axe-core once more, on a page that has it. */
  async check() {
    const { violations } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    return violations.map(({ id, nodes }) => `axe ${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(" | ")} ${nodes[0]?.any[0]?.message ?? ""}`);
  }

  async close() {
    await this.context?.close();
  }
}

/** Until what was asked for is drawn, and the shelf has filled its window. */
export async function settle(page) {
  await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const places = () => [...document.querySelectorAll(".grid > li")].map((tile) => tile.style.transform).join();
    await frame();
    for (let before = null, now = places(); before !== now; before = now, now = places()) await frame();
  });
}
