import { expect, test } from 'vitest';
import { forgetReader, readerOf, rememberReader, type Places } from './reader.ts';

const DAY = 24 * 3_600_000;
const store = () => {
  const held = new Map<string, string>();
  const place = {
    getItem: (key: string) => held.get(key) ?? null,
    setItem: (key: string, value: string) => void held.set(key, value),
    removeItem: (key: string) => void held.delete(key),
  };
  return () => place;
};
/** Tabs of one device. */
const tabs = (): [Places, Places] => {
  const device = store();
  return [
    { device, tab: store() },
    { device, tab: store() },
  ];
};
const forbidden = (): never => {
  throw new Error('forbidden');
};

test.each([
  ['a cookie speaks for them', false, false, DAY, 'ann'],
  ['this tab holds their token', true, true, DAY, 'ann'],
  ['this tab let go of their token', true, false, DAY, null],
  ['no server was met for long', false, false, 8 * DAY, null],
])('P-8 who is shown without a server: %s', (_, byToken, holdsToken, later, expected) => {
  const [tab] = tabs();
  rememberReader('ann', byToken, 1_000, tab);
  expect(readerOf(holdsToken, 1_000 + later, tab)).toBe(expected);
});

test('P-8 a tab with the token of one person shows nothing of who came by a token in another tab', () => {
  const [anns, bens] = tabs();
  rememberReader('ann', true, 1_000, anns);
  rememberReader('ben', true, 2_000, bens);
  expect(readerOf(true, 3_000, anns)).toBeNull();
  expect(readerOf(true, 3_000, bens)).toBe('ben');
});

test.each(['', '{', '{"userId":5,"at":1}', '{"userId":"ann"}', '{"userId":"ann","at":9e15}', '"ann"'])(
  'P-8 what is no reader is nobody: %s',
  (text) => {
    const [tab] = tabs();
    tab.device().setItem('runnel:reader', text);
    expect(readerOf(true, Date.now(), tab)).toBeNull();
  },
);

test('nobody is left after signing out, nor where storage is forbidden', () => {
  const [tab] = tabs();
  rememberReader('ann', false, Date.now(), tab);
  forgetReader(tab);
  expect(readerOf(false, Date.now(), tab)).toBeNull();
  const none: Places = { device: forbidden, tab: forbidden };
  rememberReader('ann', false, Date.now(), none);
  expect(readerOf(false, Date.now(), none)).toBeNull();
});
