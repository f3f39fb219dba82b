interface Stone {
  x: number;
  y: number;
  r: number;
}

/** Where water starts, how far it steps, and the stones in its way: shares of the width. */
const STEP = 1 / 140;
const STONES: readonly Stone[] = [
  { x: 0.14, y: 0.21, r: 0.045 },
  { x: 0.86, y: 0.12, r: 0.055 },
  { x: 0.74, y: 0.32, r: 0.028 },
];

type Point = readonly [x: number, y: number];

/** Direction of the water at a place: a slow meander, parted by each stone as an ideal flow is by a cylinder (a doublet). */
const flowAt = (x: number, y: number): Point => {
  let along = 1;
  let across = 0.16 * Math.cos(x * 6.5 + y * 2) + 0.05 * Math.cos(x * 15);
  for (const stone of STONES) {
    const dx = x - stone.x;
    const dy = y - stone.y;
    const d2 = Math.max(dx * dx + dy * dy, stone.r * stone.r);
    const pull = (stone.r * stone.r) / (d2 * d2);
    along -= pull * (dx * dx - dy * dy);
    across -= pull * 2 * dx * dy;
  }
  const speed = Math.hypot(along, across) || 1;
  return [along / speed, across / speed];
};

/** One step of equal length along the flow, by the midpoint rule. */
const next = ([x, y]: Point): Point => {
  const [u, v] = flowAt(x, y);
  const [du, dv] = flowAt(x + (u * STEP) / 2, y + (v * STEP) / 2);
  return [x + du * STEP, y + dv * STEP];
};

/** SVG paths of `count` lines of water from left to right, over a box `width` wide and `height` high. */
export const streamLines = ({ width, height, count }: { width: number; height: number; count: number }): string[] => {
  const depth = height / width;
  return Array.from({ length: count }, (_, i) => {
    let point: Point = [-0.05, ((i + 0.5) / count) * depth * 1.15 - depth * 0.08];
    const points: string[] = [];
    for (let steps = 0; point[0] <= 1.02 && steps < 2 / STEP; steps++) {
      points.push(`${(point[0] * width).toFixed(1)} ${(point[1] * width).toFixed(1)}`);
      point = next(point);
    }
    return `M${points.join('L')}`;
  });
};
