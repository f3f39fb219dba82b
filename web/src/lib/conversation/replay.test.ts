import { expect, test } from 'vitest';
import type { Replay } from '@runnel/client';
import { clockOf, filmOf, rhythmOf, textAt } from './replay.ts';

const replay = (pieces: [ms: number, text: string, hole?: true][], ms = 0): Replay => ({
  ...{ startedAt: 0, ms, markers: [] },
  pieces: pieces.map(([at, text, hole = false]) => ({ ms: at, text, hole })),
});

test('at each moment the text is what had come by then', () => {
  const film = filmOf(replay([[100, 'a'], [200, 'bc'], [200, 'd'], [900, 'e']], 1_000)); // prettier-ignore
  expect([0, 99, 100, 199, 200, 899, 900, 5_000].map((ms) => textAt(film, ms))).toEqual([
    '',
    '',
    'a',
    'a',
    'abcd',
    'abcd',
    'abcde',
    'abcde',
  ]);
  expect(film.ms).toBe(1_000);
});

test('a hole reaches from the last known piece to when its text was there', () => {
  const film = filmOf(replay([[100, 'a'], [700, 'b', true], [700, 'c', true], [800, 'd'], [950, 'e', true]])); // prettier-ignore
  expect(film.holes).toEqual([
    { from: 100, to: 700 },
    { from: 800, to: 950 },
  ]);
  expect([textAt(film, 699), textAt(film, 700), film.ms]).toEqual(['a', 'abc', 950]);
});

test('clocks of two pods never make the time run back', () => {
  const film = filmOf(replay([[500, 'a'], [300, 'b'], [600, 'c']])); // prettier-ignore
  expect(film.frames.map(({ ms }) => ms)).toEqual([500, 500, 600]);
});

test('the rhythm is the text of each stretch, the largest as 1, without holes', () => {
  expect(rhythmOf(filmOf(replay([[0, 'aa'], [260, 'aaaa'], [990, 'a'], [999, 'bbbbbbb', true]], 1_000)), 4)).toEqual([0.5, 1, 0, 0.25]); // prettier-ignore
  expect(rhythmOf(filmOf(replay([])), 2)).toEqual([0, 0]);
});

test('times are read as a clock', () => {
  expect([0, 950, 62_540, 600_000].map(clockOf)).toEqual(['0:00.0', '0:00.9', '1:02.5', '10:00']);
});
