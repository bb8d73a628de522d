/** Where focus goes next: pure geometry, no DOM. */

export type Direction = "up" | "down" | "left" | "right";

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Going astray across the direction costs three times as much as going on along it. */
export const CROSS_WEIGHT = 3;

/** Overlapping boxes (a ring, a border) still count as one after the other, px. */
const TOLERANCE = 2;

interface Axis {
  near: number;
  far: number;
  crossNear: number;
  crossFar: number;
}

/** The box as seen by someone who walks in `direction`: `near` comes first, whatever the direction. */
function along(box: Box, direction: Direction): Axis {
  switch (direction) {
    case "right":
      return { near: box.left, far: box.right, crossNear: box.top, crossFar: box.bottom };
    case "left":
      return { near: -box.right, far: -box.left, crossNear: box.top, crossFar: box.bottom };
    case "down":
      return { near: box.top, far: box.bottom, crossNear: box.left, crossFar: box.right };
    case "up":
      return { near: -box.bottom, far: -box.top, crossNear: box.left, crossFar: box.right };
  }
}

/** Cost of going from one box to another, lower is better; null when the other does not lie in that direction. */
export function cost(from: Box, to: Box, direction: Direction): number | null {
  const a = along(from, direction);
  const b = along(to, direction);
  const centreA = (a.near + a.far) / 2;
  const centreB = (b.near + b.far) / 2;
  if (centreB <= centreA + TOLERANCE || b.far <= a.far + TOLERANCE) return null;
  const ahead = Math.max(0, b.near - a.far);
  // Overlapping by a good part in the direction means: beside, not ahead.
  if (a.far - b.near > Math.min(a.far - a.near, b.far - b.near) / 2) return null;
  const apart = Math.max(0, b.crossNear - a.crossFar, a.crossNear - b.crossFar);
  const offCentre = Math.abs((a.crossNear + a.crossFar) / 2 - (b.crossNear + b.crossFar) / 2);
  return ahead + CROSS_WEIGHT * apart + offCentre * 0.2;
}

/** Index of the best box in the direction, -1 when there is none. */
export function nearest(from: Box, boxes: readonly Box[], direction: Direction): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  boxes.forEach((box, index) => {
    const price = cost(from, box, direction);
    if (price !== null && price < least) {
      least = price;
      best = index;
    }
  });
  return best;
}
