/** The plate of a title without art: two colours and a motif, drawn from the name, the same on every machine. */

export interface Print {
  ground: string;
  shape: string;
  ink: string;
  motif: number;
  /** Small numbers 0..1 that vary the motif. */
  grain: [number, number, number];
}

export const MOTIFS = 7;

/** Ground, shape, ink: ink on ground has a contrast of 7:1 or more (tested). */
export const INKS: readonly (readonly [string, string, string])[] = [
  ["#22304f", "#e8c15a", "#fff6dc"],
  ["#6b1f3a", "#ff9d7a", "#ffe9dd"],
  ["#0f4a47", "#7fd6b2", "#e6fff4"],
  ["#3b2a66", "#b79cff", "#f2ecff"],
  ["#e5d9c3", "#c1432b", "#2a1a12"],
  ["#b9d3d8", "#1e4d63", "#0d2430"],
  ["#2b2b30", "#ef6f53", "#ffffff"],
  ["#f0b64c", "#8a3a18", "#2b1206"],
  ["#244a2a", "#c8dd6a", "#f4ffd9"],
  ["#d8c4d9", "#6d2b6b", "#2b0f2b"],
  ["#8c2f1f", "#f5c9a0", "#fff1e3"],
  ["#1d4f7a", "#f3efe2", "#f3f8ff"],
];

/** FNV-1a with a final mix, so that neighbouring names look different. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const letter of text.normalize("NFC").toLowerCase()) {
    value ^= letter.codePointAt(0) ?? 0;
    value = Math.imul(value, 0x01000193);
  }
  value ^= value >>> 15;
  value = Math.imul(value, 0x2c1b3c6d);
  value ^= value >>> 12;
  return value >>> 0;
}

export function print(title: string): Print {
  const seed = hash(title);
  const [ground, shape, ink] = INKS[seed % INKS.length] ?? ["#22304f", "#e8c15a", "#fff6dc"];
  const part = (shift: number): number => ((seed >>> shift) & 0xff) / 255;
  return { ground, shape, ink, motif: Math.floor(seed / INKS.length) % MOTIFS, grain: [part(8), part(16), part(24)] };
}

/** SVG path data of the motif on a plate of 300 x 400; drawn with `fill-rule: evenodd`. */
export function motifPath(from: Print): string {
  const [a, b, c] = from.grain;
  switch (from.motif) {
    case 0:
      return rings(110 + 20 * a, 140, 190 - 20 * a, 140 + 30 * (b - 0.5));
    case 1:
      return arcs(b < 0.5);
    case 2:
      return bars(a, b, c);
    case 3:
      return sun(90 + 120 * a, 110 + 30 * b);
    case 4:
      return dots(Math.floor(a * 4), Math.floor(b * 3));
    case 5:
      return peaks(a, b);
    default:
      return halves(a < 0.5);
  }
}

function disc(x: number, y: number, r: number): string {
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
}

function rings(x1: number, y1: number, x2: number, y2: number): string {
  return disc(x1, y1, 84) + disc(x1, y1, 52) + disc(x2, y2, 84) + disc(x2, y2, 52);
}

function arcs(left: boolean): string {
  const x = left ? 0 : 300;
  return [250, 206, 162, 118, 74, 30].map((r) => disc(x, 0, r)).join("");
}

function bars(a: number, b: number, c: number): string {
  const heights = [a, b, c, (a + b) % 1, (b + c) % 1, (a + c) % 1];
  return heights.map((h, i) => `M${24 + i * 43} 248h30v${-(50 + 160 * h)}h-30z`).join("");
}

function sun(x: number, y: number): string {
  const lines = [0, 1, 2, 3].map((i) => `M0 ${190 + i * 20}h300v${10 - i * 2}h-300z`).join("");
  return disc(x, y, 70) + lines;
}

function dots(column: number, row: number): string {
  const all: string[] = [];
  for (let x = 0; x < 5; x += 1) {
    for (let y = 0; y < 4; y += 1) {
      const big = x === column && y === row;
      all.push(disc(40 + x * 55, 40 + y * 60, big ? 25 : 9));
    }
  }
  return all.join("");
}

function peaks(a: number, b: number): string {
  const top = 40 + 50 * a;
  const second = 90 + 60 * b;
  return `M-40 252L110 ${top}L215 252zM228 252L252 ${second + 56}L${225} ${second + 8}L150 252zM262 252L252 ${second + 60}L340 252z`;
}

function halves(up: boolean): string {
  const r = 62;
  const half = (x: number, y: number, turned: boolean): string =>
    `M${x - r} ${y}a${r} ${r} 0 0 ${turned ? 0 : 1} ${2 * r} 0z`;
  return half(88, 130, up) + half(212, 130, !up) + half(88, 200, !up) + half(212, 200, up);
}
