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
