import type { Replay } from '@runnel/client';

/** A replay made ready to be asked "what stood on the screen at this moment". */
export interface Film {
  text: string;
  /** Rising: from `ms` on, the first `end` characters stand. */
  frames: readonly { ms: number; end: number }[];
  /** Stretches of which nobody noted when their text came. Times in ms. */
  holes: readonly { from: number; to: number }[];
  ms: number;
}

export const filmOf = ({ pieces, ms }: Replay): Film => {
  const frames: { ms: number; end: number }[] = [];
  const holes: { from: number; to: number }[] = [];
  let text = '';
  for (const piece of pieces) {
    const before = frames.at(-1)?.ms ?? 0;
    // Times never run back, whatever two pods' clocks said.
    const at = Math.max(before, piece.ms);
    text += piece.text;
    frames.push({ ms: at, end: text.length });
    const last = holes.at(-1);
    if (!piece.hole) continue;
    if (last && last.to === before && before === at) continue;
    holes.push({ from: before, to: at });
  }
  return { text, frames, holes, ms: Math.max(ms, frames.at(-1)?.ms ?? 0, 1) };
};

/** The text that stood there at a moment (ms). */
export const textAt = ({ text, frames }: Film, ms: number): string => {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle]!.ms <= ms) low = middle + 1;
    else high = middle;
  }
  return text.slice(0, frames[low - 1]?.end ?? 0);
};

/** How much text came in each of `count` equal stretches, the largest as 1. Text in a hole counts nowhere: its time is not known. */
export const rhythmOf = ({ frames, holes, ms }: Film, count: number): number[] => {
  const bins = Array.from({ length: count }, () => 0);
  let before = 0;
  for (const frame of frames) {
    const isHole = holes.some(({ to }) => to === frame.ms);
    if (!isHole) bins[Math.min(count - 1, Math.floor((frame.ms / ms) * count))]! += frame.end - before;
    before = frame.end;
  }
  const most = Math.max(1, ...bins);
  return bins.map((bin) => bin / most);
};

/** `1:02.5`; whole seconds from ten minutes on. */
export const clockOf = (ms: number): string => {
  const seconds = Math.max(0, ms) / 1_000;
  const minutes = Math.floor(seconds / 60);
  const rest =
    minutes >= 10 ? String(Math.floor(seconds % 60)).padStart(2, '0') : (Math.floor((seconds % 60) * 10) / 10).toFixed(1).padStart(4, '0');
  return `${minutes}:${rest}`;
};
