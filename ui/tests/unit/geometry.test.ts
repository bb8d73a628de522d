import { describe, expect, it } from "vitest";
import { type Box, cost, type Direction, nearest } from "../../src/focus/geometry";

const box = (left: number, top: number, width = 100, height = 100): Box => ({ left, top, right: left + width, bottom: top + height });

/** 4 x 3 cells of 100 with gaps of 20. */
const grid = Array.from({ length: 12 }, (_, i) => box((i % 4) * 120, Math.floor(i / 4) * 120));

function go(from: number, direction: Direction, boxes = grid): number {
  const start = boxes[from];
  if (!start) throw new Error("no such box");
  const others = boxes.filter((_, index) => index !== from);
  const found = nearest(start, others, direction);
  const target = others[found];
  return target ? boxes.indexOf(target) : -1;
}

describe("the next focus", () => {
  it("walks a grid cell by cell and stops at its edges", () => {
    expect([go(5, "left"), go(5, "right"), go(5, "up"), go(5, "down")]).toEqual([4, 6, 1, 9]);
    expect([go(0, "left"), go(0, "up"), go(11, "right"), go(11, "down")]).toEqual([-1, -1, -1, -1]);
  });

  it("comes back to where it was after there and back, anywhere in a grid", () => {
    const back: Record<Direction, Direction> = { up: "down", down: "up", left: "right", right: "left" };
    for (let from = 0; from < grid.length; from += 1) {
      for (const direction of Object.keys(back) as Direction[]) {
        const there = go(from, direction);
        if (there >= 0) expect(go(there, back[direction])).toBe(from);
      }
    }
  });

  it("reaches every element of a mixed page from every other", () => {
    const page = [box(0, 0, 300, 40), box(320, 0, 80, 40), box(800, 0, 40, 40), box(0, 60, 380, 160), box(400, 60, 380, 160), ...grid.map((b) => box(b.left, b.top + 240))];
    for (let from = 0; from < page.length; from += 1) {
      const reached = new Set([from]);
      const open = [from];
      for (let at = open.pop(); at !== undefined; at = open.pop()) {
        for (const direction of ["up", "down", "left", "right"] as const) {
          const next = go(at, direction, page);
          if (next >= 0 && !reached.has(next)) {
            reached.add(next);
            open.push(next);
          }
        }
      }
      expect(reached.size).toBe(page.length);
    }
  });

  it("prefers the near one straight on to a nearer one far aside", () => {
    const from = box(0, 0);
    expect(nearest(from, [box(300, 20), box(160, 400)], "right")).toBe(0);
  });

  it("does not take what lies beside for what lies ahead", () => {
    expect(cost(box(0, 0), box(120, 10), "down")).toBeNull();
    expect(cost(box(0, 0), box(0, 0), "down")).toBeNull();
  });

  it("goes from a narrow cell to a wide bar above it and back into the row", () => {
    const boxes = [box(0, 0, 460, 40), ...grid.slice(0, 4).map((b) => box(b.left, 60))];
    for (const from of [1, 2, 3, 4]) expect(go(from, "up", boxes)).toBe(0);
    expect([1, 2, 3, 4]).toContain(go(0, "down", boxes));
  });
});
