import { expect, test } from 'vitest';
import { forgetReader, readerOf, rememberReader } from './reader.ts';

const DAY = 24 * 3_600_000;
const storage = () => {
  const held = new Map<string, string>();
  const place = {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
    removeItem: (key: string) => void held.delete(key),
  };
  return () => place;
};
const forbidden = (): never => {
  throw new Error('forbidden');
};

test.each([
  ['a cookie speaks for them', false, false, DAY, 'ann'],
  ['this tab holds their token', true, true, DAY, 'ann'],
  ['another tab held their token', true, false, DAY, null],
  ['no server was met for long', false, false, 8 * DAY, null],
])('P-8 who is shown without a server: %s', (_, byToken, holdsToken, later, expected) => {
  const place = storage();
  rememberReader('ann', byToken, 1_000, place);
  expect(readerOf(holdsToken, 1_000 + later, place)).toBe(expected);
});

test.each(['', '{', '{"userId":5,"at":1}', '{"userId":"ann"}', '"ann"'])('P-8 what is no reader is nobody: %s', (text) => {
  const place = storage();
  place().setItem('runnel:reader', text);
  expect(readerOf(true, Date.now(), place)).toBeNull();
});

test('nobody is left after signing out, nor where storage is forbidden', () => {
  const place = storage();
  rememberReader('ann', false, Date.now(), place);
  forgetReader(place);
  expect(readerOf(false, Date.now(), place)).toBeNull();
  rememberReader('ann', false, Date.now(), forbidden);
  expect(readerOf(false, Date.now(), forbidden)).toBeNull();
});
