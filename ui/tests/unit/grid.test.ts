import { describe, expect, it } from "vitest";
import { fullHeight, layout, place, range } from "../../src/components/grid";

const grid = layout(1178, 184, 24, 4 / 3, 60);

describe("the virtual grid", () => {
  it("fills the width with whole columns", () => {
    expect(grid.columns).toBe(5);
    expect(grid.cell * 5 + 24 * 4).toBeLessThanOrEqual(1178);
    expect(grid.cell * 5 + 24 * 4).toBeGreaterThan(1178 - 5);
    expect(layout(100, 184, 24, 4 / 3, 60).columns).toBe(2);
  });

  it("places every cell inside its height and no two on the same spot", () => {
    const seen = new Set<string>();
    for (let index = 0; index < 203; index += 1) {
      const at = place(grid, index);
      seen.add(`${at.left},${at.top}`);
      expect(at.top + grid.rowHeight - grid.gap).toBeLessThanOrEqual(fullHeight(grid, 203));
    }
    expect(seen.size).toBe(203);
  });

  it("holds everything that can be seen, at any scroll position, and little more", () => {
    const total = 20_000;
    const viewport = 700;
    for (let scrolled = 0; scrolled < fullHeight(grid, total); scrolled += 9973) {
      const { first, last } = range(grid, total, scrolled, viewport);
      for (const y of [scrolled, scrolled + viewport - 1]) {
        const row = Math.floor(y / grid.rowHeight);
        if (row * grid.columns < total) {
          expect(first).toBeLessThanOrEqual(row * grid.columns);
          expect(last).toBeGreaterThanOrEqual(Math.min(total - 1, row * grid.columns + grid.columns - 1));
        }
      }
      expect(last - first + 1).toBeLessThanOrEqual((Math.ceil(viewport / grid.rowHeight) + 6) * grid.columns);
    }
  });

  it("asks for nothing when there is nothing, and never beyond the end", () => {
    expect(range(grid, 0, 0, 700)).toEqual({ first: 0, last: -1 });
    expect(range(grid, 3, 0, 700)).toEqual({ first: 0, last: 2 });
    expect(range(grid, 12, 1e9, 700).last).toBe(11);
    expect(fullHeight(grid, 0)).toBe(0);
  });
});
