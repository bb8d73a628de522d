import { describe, expect, it } from "vitest";
import { fullHeight, layout, place, range, Slots } from "../../src/components/grid";

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

describe("the elements of the grid", () => {
  const run = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, step) => from + step);
  const shown = (slots: { index: number }[]): number[] => slots.map(({ index }) => index).sort((a, b) => a - b);

  it("are used again, none is made or moved while one scrolls", () => {
    const slots = new Slots();
    const first = slots.show(run(0, 30), 1000, 99).slots;
    expect(first.map(({ key }) => key)).toEqual(run(0, 30));
    const second = slots.show(run(5, 35), 1000, 99).slots;
    expect(second.map(({ key }) => key)).toEqual(run(0, 30));
    expect(shown(second)).toEqual(run(5, 35));
    // What was there and still is stays the element it was.
    for (const { key, index } of second) if (index < 30) expect(key).toBe(index);
  });

  it("keep what must stay, however far one goes", () => {
    const slots = new Slots();
    slots.show(run(0, 30), 1000, 99);
    for (const at of [100, 500, 900, 0]) {
      const { slots: now } = slots.show([7, ...run(at, at + 30).filter((index) => index !== 7)], 1000, 99);
      expect(now.find(({ index }) => index === 7)?.key).toBe(7);
    }
  });

  it("change no more than a frame allows, the important first, and come to an end", () => {
    const slots = new Slots();
    slots.show(run(0, 30), 1000, 99);
    const { slots: now, whole } = slots.show(run(500, 530), 1000, 12);
    expect(whole).toBe(false);
    expect(shown(now).filter((index) => index >= 500)).toEqual(run(500, 512));
    expect(now.length).toBe(30);
    slots.show(run(500, 530), 1000, 12);
    const end = slots.show(run(500, 530), 1000, 12);
    expect([end.whole, shown(end.slots)]).toEqual([true, run(500, 530)]);
  });

  it("go when the list or the window becomes shorter", () => {
    const slots = new Slots();
    slots.show(run(0, 60), 1000, 99);
    expect(slots.show(run(0, 10), 1000, 99).slots.length).toBeLessThanOrEqual(20);
    expect(shown(slots.show(run(0, 3), 3, 99).slots)).toEqual([0, 1, 2]);
    expect(slots.show([], 0, 99)).toEqual({ slots: [], whole: true });
  });
});
