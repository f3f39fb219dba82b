import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPushReader, endOfReply } from './push-reader.ts';

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
const messageOf = (channel: string, text: string): string => `>3\r\n$8\r\nsmessage\r\n${bulk(channel)}${bulk(text)}`;

const read = (pieces: readonly Buffer[]): { seen: string[] } => {
  const seen: string[] = [];
  const reader = createPushReader({
    message: (channel, bytes) => seen.push(`${channel}=${bytes.toString()}`),
    other: (data) => seen.push(data.toString()),
  });
  for (const piece of pieces) reader(piece);
  return { seen };
};

const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '\r\n', '>3\r\n$8\r\nsmessage\r\n', 'x'.repeat(2_000)));
const reply = fc.oneof(
  fc
    .tuple(fc.stringMatching(/^[a-z:{}0-9]{1,40}$/), text)
    .map(([channel, body]) => ({ wire: messageOf(channel, body), seen: `${channel}=${body.toWellFormed()}` })),
  fc
    .constantFrom(
      '+PONG\r\n',
      ':1\r\n',
      '-MOVED 7 127.0.0.1:1\r\n',
      '_\r\n',
      '$-1\r\n',
      '%1\r\n+a\r\n*2\r\n:1\r\n$2\r\n\r\n\r\n',
      `>3\r\n${bulk('ssubscribe')}${bulk('c')}:1\r\n`,
    )
    .map((wire) => ({ wire, seen: wire })),
);

test('L-3 every message and every other reply comes out once and in order, wherever the packets are cut', () => {
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 20 }), (replies, cuts) => {
      const wire = Buffer.from(replies.map((one) => one.wire).join(''));
      const at = [0, ...cuts.map((cut) => cut % (wire.length + 1)), wire.length].sort((a, b) => a - b);
      const { seen } = read(at.slice(1).map((end, i) => wire.subarray(at[i], end)));
      expect(seen).toEqual(replies.map((one) => one.seen));
    }),
    { numRuns: 500 },
  );
});

test('what is kept of a packet is no more than the message', () => {
  const kept: Buffer[] = [];
  const reader = createPushReader({ message: (_channel, bytes) => kept.push(bytes), other: () => undefined });
  const packet = Buffer.from(messageOf('c', 'word'));
  reader(packet);
  packet.fill(0);
  expect(kept.map(String)).toEqual(['word']);
});

test('a reply that is not whole has no end yet', () => {
  for (const part of ['', '$5\r\nhel', '*2\r\n:1\r\n', '%1\r\n+a\r\n', '+PON']) expect(endOfReply(Buffer.from(part), 0)).toBe(-1);
});
