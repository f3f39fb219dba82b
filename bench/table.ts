import type { StreamingFigures } from './measure-streaming.ts';

/** `median (min–max)` of what the rounds gave. */
export const spread = (figures: readonly (number | null)[]): string => {
  const known = figures.filter((figure) => figure !== null).sort((a, b) => a - b);
  if (known.length === 0) return '–';
  const median = known[Math.floor(known.length / 2)]!;
  return known.length === 1 ? String(median) : `${median} (${known[0]}–${known.at(-1)})`;
};

/** The streaming rounds, one figure a line. */
export const table = (rounds: readonly StreamingFigures[]): string => {
  const over = (pick: (round: StreamingFigures) => number | null): string => spread(rounds.map(pick));
  const lines: [string, string][] = [
    ['chunks delivered a second', over((round) => round.chunksPerSecond)],
    ['chunk added latency p50, ms', over((round) => round.latency.p50)],
    ['chunk added latency p99, ms', over((round) => round.latency.p99)],
    ['prompt to first chunk p50, ms', over((round) => round.firstChunk.p50)],
    ['prompt to first chunk p99, ms', over((round) => round.firstChunk.p99)],
    ...['gateway', 'ai', 'redis', 'viewers'].map((name): [string, string] => [
      `${name}, CPU µs a chunk`,
      `${over((round) => round.microseconds[name] ?? null)}, cores ${over((round) => round.cores[name] ?? null)}`,
    ]),
    ['ai, KiB a run', over((round) => round.aiKibPerRun)],
    ['gaps, closed sockets', `${over((round) => round.gaps)}, ${over((round) => round.closed)}`],
    ['other use of the machine, cores', over((round) => round.noiseCores)],
  ];
  const errors = rounds.flatMap((round) => round.errors);
  return [...lines.map(([name, value]) => `${name.padEnd(32)} ${value}`), ...errors.map((error) => `error: ${error}`), ''].join('\n');
};
