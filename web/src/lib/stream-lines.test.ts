import { expect, test } from 'vitest';
import { streamLines } from './stream-lines.ts';

const WIDTH = 1200;
const lines = streamLines({ width: WIDTH, height: 480, count: 26 }).map((path) =>
  path
    .slice(1)
    .split('L')
    .map((point) => point.split(' ').map(Number) as [number, number]),
);

test('every line flows from edge to edge', () => {
  for (const line of lines) {
    expect(line[0]![0]).toBeLessThan(0);
    expect(line.at(-1)![0]).toBeGreaterThan(WIDTH);
  }
});
