import { describe, expect, it } from "vitest";
import { INKS, MOTIFS, motifPath, print } from "../../src/components/plate";

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe("plates", () => {
  it("can be read: ink on ground has 7:1", () => {
    for (const [ground, , ink] of INKS) {
      const [dark = 0, light = 0] = [luminance(ground), luminance(ink)].sort((a, b) => a - b);
      expect((light + 0.05) / (dark + 0.05), `${ink} on ${ground}`).toBeGreaterThanOrEqual(7);
    }
  });

  it("are the same for the same name and use every colour and motif", () => {
    expect(print("Night Ferry")).toEqual(print("night ferry"));
    const names = Array.from({ length: 2000 }, (_, i) => `Game ${i}`);
    expect(new Set(names.map((name) => print(name).ground)).size).toBe(INKS.length);
    expect(new Set(names.map((name) => print(name).motif)).size).toBe(MOTIFS);
  });

  it("draw something sound for any name", () => {
    for (const name of ["", "漢字", "🎮", "a".repeat(500), ...Array.from({ length: 300 }, (_, i) => `x${i}`)]) {
      expect(motifPath(print(name))).toMatch(/^M[-\d.\sa-zA-Z]+z$/);
      expect(motifPath(print(name))).not.toContain("NaN");
    }
  });
});
