import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(process.cwd(), "src");
const files = readdirSync(SOURCE, { recursive: true }).map(String).filter((name) => /\.(svelte|ts|css)$/.test(name));

/** The view tests watch for breaches; this finds them in what no test opens. */
describe("the policy of the shell", () => {
  it("is kept by the sources: no style as text, no HTML as text, no address with its data in it", () => {
    expect(files.length).toBeGreaterThan(50);
    const found = files.flatMap((name) => {
      const text = readFileSync(join(SOURCE, name), "utf8");
      const wrong = [/\sstyle=["'{]/, /\{@html/, /setAttribute\(\s*["']style/, /cssText/, /["'(]data:[\w,;]/, /innerHTML/, /\bon\w+="/];
      return wrong.filter((pattern) => pattern.test(text)).map((pattern) => `${name}: ${pattern.source}`);
    });
    expect(found).toEqual([]);
  });

  it("is kept by the pages: no script, style or address of their own", () => {
    for (const page of ["index.html", "fake.html"]) {
      const text = readFileSync(join(process.cwd(), page), "utf8");
      expect(text, page).not.toMatch(/<style|\sstyle=|\son\w+=|data:|https?:|<script(?![^>]*\ssrc=)/);
    }
  });
});
