/** The product build: no trace of the fake in it, no address outside, and its size. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

await build({ logLevel: "warn" });

const files = readdirSync("dist", { recursive: true }).map((name) => join("dist", String(name))).filter((path) => statSync(path).isFile());
let whole = 0;
for (const path of files) {
  const bytes = readFileSync(path);
  whole += gzipSync(bytes, { level: 9 }).length;
  const text = bytes.toString("utf8");
  // Words that only the fake knows.
  for (const word of ["KXTR-92QD", "Salt Road: Caravans", "first-run"]) {
    if (text.includes(word)) throw new Error(`${path}: the fake backend is in the product build (${word})`);
  }
  if (path.endsWith(".html") && (/<script(?![^>]*\bsrc=)[^>]*>/.test(text) || /\sstyle=|<style/.test(text))) {
    throw new Error(`${path}: inline script or style, which the policy forbids`);
  }
  if (/\beval\(|new Function\(/.test(text)) throw new Error(`${path}: eval`);
}
console.log(`dist: ${files.length} files, ${(whole / 1024).toFixed(1)} KiB gzip`);
