import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, readLargeMessage, sizeOf } from './large-message.ts';
import type { StoredMessage } from '../../run-log/run-log.ts';

const HARD = fc.array(fc.constantFrom('"', '\\', ',', '}', '"text":"', '","', '"}', '\\"', 'ế', '👍', '\n', '\u0000', 'a', '{'), {
  maxLength: 12,
});
const said = fc.oneof(
  HARD.map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme' }),
);
const message = fc.record(
  {
    messageId: fc.constant('m1'),
    parentId: fc.constantFrom(null, 'm0'),
    role: fc.constantFrom('user', 'assistant'),
    text: said,
    status: fc.constant('complete'),
    createdAt: fc.nat(),
    author: said,
    model: said,
  },
  { requiredKeys: ['messageId', 'parentId', 'role', 'text', 'status', 'createdAt'] },
);

test('S-6 a message that is left as bytes is the same as one that was parsed, whatever is said in it and in what order', () => {
  fc.assert(
    fc.property(message, fc.boolean(), (value, isLast) => {
      const { text, ...others } = value;
      const json = JSON.stringify(isLast ? { ...others, text } : value);
      const read = readLargeMessage(Buffer.from(json));
      expect({ ...read }).toEqual(JSON.parse(json));
      expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(json));
      expect(bytesOf(read!).toString()).toBe(json);
      expect(sizeOf(read!)).toBe(Buffer.byteLength(json));
    }),
    { numRuns: 2_000 },
  );
});

test('what is no message is none', () => {
  for (const json of [
    '',
    'null',
    '{}',
    '[]',
    '{"text":"',
    '{"text":"x"}',
    '{"messageId":"m","text":"x',
    '{"messageId":"../../","parentId":null,"role":"user","text":"x"}',
  ])
    expect(readLargeMessage(Buffer.from(json)), json).toBeNull();
});

test('a message that was made here is encoded when it is wanted', () => {
  const made: StoredMessage = { messageId: 'm', parentId: null, role: 'user', text: 'hi', status: 'complete', createdAt: 1 };
  expect(bytesOf(made).toString()).toBe(JSON.stringify(made));
  expect(sizeOf(made)).toBe(2);
});
