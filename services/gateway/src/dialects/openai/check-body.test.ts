import { expect, test } from 'vitest';
import { MOST_JSON } from '../../http/plumbing/json-depth.ts';
import { CompletionBody } from '../chat-completions/params.ts';
import { bodyCheck } from './check-body.ts';

/** The least processor time of three tries, in microseconds: what else the machine does is not in it. */
const cost = (work: () => unknown): number =>
  Math.min(
    ...[1, 2, 3].map(() => {
      const before = process.cpuUsage();
      work();
      return process.cpuUsage(before).user;
    }),
  );
const times = (count: number, unit: (index: number) => string): string => Array.from({ length: count }, (_, i) => unit(i)).join(',');
const ASKED = '{"role":"user","content":"a"}';
const MOST = Math.floor(MOST_JSON.values / 3);

test.each([
  ['messages', 'messages: must not have more than 4096 items.', `"messages":[${times(MOST, () => ASKED)}]`],
  ['tools', 'tools: must not have more than 128 items.', `"messages":[${ASKED}],"tools":[${times(MOST, () => '{"type":""}')}]`],
  ['unknown fields', 'Unknown parameter: k0.', `"messages":[${ASKED}],${times(MOST, (i) => `"k${i}":0`)}`],
])('P-8 a body of as many %s as a body may have is refused in the time it takes to parse it, some times over', (_what, told, fields) => {
  const check = bodyCheck(CompletionBody);
  const text = `{"model":"m",${fields}}`;
  const body: unknown = JSON.parse(text);
  const refuse = (): string => {
    try {
      check(body);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refuse()).toBe(told);
  expect(cost(refuse)).toBeLessThan(8 * cost(() => JSON.parse(text)) + 20_000);
});

test('a list that may be left out is counted where it is not', () => {
  const check = bodyCheck(CompletionBody);
  const body = { model: 'm', messages: [{ role: 'user', content: 'a' }] };
  expect(check({ ...body, stop: null })).toMatchObject(body);
  expect(() => check({ ...body, stop: Array.from({ length: 17 }, () => 'x') })).toThrow('stop: must not have more than 16 items.');
  expect(() => check(null)).toThrow();
  expect(() => check([])).toThrow();
});
