import { expect, test } from 'vitest';
import { readFrame } from './frames.ts';

const MIB = 2 ** 20;
/** As many of them, joined, as a frame has room for. */
const fill = (unit: string): string => Array.from({ length: Math.floor((3.9 * MIB) / (unit.length + 1)) }, () => unit).join(',');
const send = (more: string): string => `{"type":"send","requestId":"r","headers":{},"id":"c","body":{},${more}}`;

/** The least processor time of three tries, in microseconds: what else the machine does is not in it. */
const cost = (work: () => unknown): number =>
  Math.min(
    ...[1, 2, 3].map(() => {
      const before = process.cpuUsage();
      work();
      return process.cpuUsage(before).user;
    }),
  );

test.each([
  ['small messages', send(`"messages":[${fill('{"role":"","parts":[]}')}]`)],
  ['small parts', send(`"messages":[{"role":"user","parts":[${fill('{"type":""}')}]}]`)],
  ['a last part that does not fit', send(`"messages":[{"role":"user","parts":[${fill('{"type":""}')},{"type":1}]}]`)],
  ['metadata', send(`"messages":[{"role":"user","parts":[],"metadata":[${fill('1')}]}]`)],
])('P-8 the largest frame of %s is checked in the time it takes to parse it, some times over', (_what, text) => {
  expect(cost(() => readFrame(text))).toBeLessThan(8 * cost(() => JSON.parse(text)) + 20_000);
});

test('P-8 a long conversation is a frame, and one of more values than any has is none', () => {
  const message = JSON.stringify({ role: 'user', parts: [{ type: 'text', text: 'a'.repeat(900) }] });
  const some = (count: number): string => send(`"messages":[${Array.from({ length: count }, () => message).join(',')}]`);
  expect(readFrame(some(4_000))).not.toBeNull();
  expect(readFrame(send(`"messages":[${fill('{"role":"","parts":[]}')}]`))).toBeNull();
});

test('P-8 what nests deeper than a body, has more headers than anybody sends, or is long and brings nothing is no frame', () => {
  const nested = (depth: number): string =>
    send(`"messages":[{"role":"user","parts":[],"metadata":${'['.repeat(depth)}${']'.repeat(depth)}}]`);
  expect(readFrame(nested(20))).not.toBeNull();
  expect(readFrame(nested(32))).toBeNull();
  expect(readFrame(nested(1_000_000))).toBeNull();
  const withHeaders = (count: number): string =>
    JSON.stringify({
      type: 'resume',
      requestId: 'r',
      id: 'c',
      headers: Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${i}`, ''])),
    });
  expect(readFrame(withHeaders(128))).not.toBeNull();
  expect(readFrame(withHeaders(129))).toBeNull();
  const abort = (length: number): string => `{"type":"abort","requestId":"r","more":"${'x'.repeat(length)}"}`;
  expect(readFrame(abort(16_000))).toMatchObject({ type: 'abort', requestId: 'r' });
  expect(readFrame(abort(17_000))).toBeNull();
});

test('a frame of another kind, without its fields, or of a name that a language knows is none', () => {
  const texts = ['null', '[]', '1', '{}', '{"type":"constructor"}', '{"type":"__proto__"}', '{"type":["send"]}', '{"type":"abort"}', '{'];
  expect(texts.map(readFrame)).toEqual(texts.map(() => null));
  expect(readFrame('{"type":"resume","requestId":"r","headers":null,"id":"c"}')).toBeNull();
  expect(readFrame('{"type":"resume","requestId":"r","headers":{},"id":"c"}')).toMatchObject({ type: 'resume', id: 'c' });
});
