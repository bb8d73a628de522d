/** Arithmetic of a grid of which only the rows near the window exist. All lengths in px. */

export interface GridLayout {
  columns: number;
  cell: number;
  rowHeight: number;
  gap: number;
}

/** As many columns as fit; the cells share the width. `ratio` is height by width of the picture, `caption` the text below. */
export function layout(width: number, least: number, gap: number, ratio: number, caption: number): GridLayout {
  const columns = Math.max(2, Math.floor((width + gap) / (least + gap)));
  const cell = Math.max(1, Math.floor((width - gap * (columns - 1)) / columns));
  return { columns, cell, rowHeight: Math.round(cell * ratio) + caption + gap, gap };
}

export function fullHeight(grid: GridLayout, total: number): number {
  return Math.max(0, Math.ceil(total / grid.columns) * grid.rowHeight - grid.gap);
}

/** First and last index (inclusive) that must exist; last is -1 for an empty grid. */
export function range(
  grid: GridLayout,
  total: number,
  scrolled: number,
  viewport: number,
  spareRows = 2,
): { first: number; last: number } {
  const rows = Math.ceil(total / grid.columns);
  const from = Math.max(0, Math.min(rows - 1, Math.floor(scrolled / grid.rowHeight) - spareRows));
  const to = Math.max(0, Math.min(rows - 1, Math.floor((scrolled + viewport) / grid.rowHeight) + spareRows));
  return { first: total === 0 ? 0 : from * grid.columns, last: Math.min(total, (to + 1) * grid.columns) - 1 };
}

export function place(grid: GridLayout, index: number): { left: number; top: number } {
  return {
    left: (index % grid.columns) * (grid.cell + grid.gap),
    top: Math.floor(index / grid.columns) * grid.rowHeight,
  };
}

/** A place in the document, and which card it shows now. */
export interface Slot {
  key: number;
  index: number;
}

/**
 * Elements of the grid, used again: what has left the window becomes what comes into it. Nothing is made or thrown away
 * while one scrolls, nothing is moved in the document, and what is kept (the focused card) stays the element it was.
 */
export class Slots {
  private keys = new Map<number, number>();
  private nextKey = 0;

  /**
   * Shows `wanted`, the most important first, but puts no more than `most` new cards into slots at once. Cards that are no
   * longer wanted stay where they were until their slot is needed.
   */
  show(wanted: readonly number[], total: number, most: number): { slots: Slot[]; whole: boolean } {
    const keep = new Set(wanted);
    const spare: number[] = [];
    for (const index of this.keys.keys()) {
      if (index >= total) this.keys.delete(index);
      else if (!keep.has(index)) spare.push(index);
    }
    let left = most;
    let whole = true;
    for (const index of wanted) {
      if (this.keys.has(index)) continue;
      if (left === 0) {
        whole = false;
        break;
      }
      left -= 1;
      const old = spare.pop();
      const key = old === undefined ? this.nextKey++ : (this.keys.get(old) ?? this.nextKey++);
      if (old !== undefined) this.keys.delete(old);
      this.keys.set(index, key);
    }
    // A window that has become smaller needs fewer.
    if (whole) for (const index of spare.slice(wanted.length)) this.keys.delete(index);
    const slots = [...this.keys].map(([index, key]) => ({ key, index }));
    return { slots: slots.sort((a, b) => a.key - b.key), whole };
  }
}
