import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ID_PATTERN } from '@runnel/protocol';
import { arrayOf, feedFrame, streamCursor } from './encode.ts';
import { MAX_HELD_BYTES, LiveItems } from './live-items.ts';
import { formatOffset, parseOffset } from './offset.ts';

const cursors = fc.record({ logId: fc.stringMatching(new RegExp(ID_PATTERN)), offset: fc.nat({ max: Number.MAX_SAFE_INTEGER }) });

test('an offset is read as it was written, has no letter that URLs or cookies treat apart, and sorts as its number does', () => {
  fc.assert(
    fc.property(cursors, fc.nat({ max: Number.MAX_SAFE_INTEGER }), (cursor, other) => {
      const text = formatOffset(cursor);
      expect(parseOffset(text)).toEqual({ kind: 'after', cursor });
      expect(text).not.toMatch(/[,&=?/]/);
      const later = formatOffset({ ...cursor, offset: other });
      expect(Math.sign(text < later ? -1 : text > later ? 1 : 0)).toBe(Math.sign(cursor.offset - other));
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      const wanted = parseOffset(text);
      if (wanted?.kind === 'after') expect(formatOffset(wanted.cursor)).toBe(text);
    }),
  );
});

test('a cursor rises with time, and above the one that was given', () => {
  fc.assert(
    fc.property(fc.nat({ max: 4e12 }), fc.nat({ max: 1e9 }), (now, later) => {
      const at = Date.UTC(2026, 0, 1) + now;
      expect(Number(streamCursor(at + later, undefined))).toBeGreaterThanOrEqual(Number(streamCursor(at, undefined)));
      expect(Number(streamCursor(at, streamCursor(at, undefined)))).toBeGreaterThan(Number(streamCursor(at, undefined)));
    }),
  );
  for (const odd of ['', '-1', 'x', '1e9', '9'.repeat(40)]) expect(streamCursor(Date.UTC(2026, 1, 1), odd)).toMatch(/^\d+$/);
});

test('items are one array, and one frame with their end', () => {
  const items = ['{"a":1}', '{"b":"\\n"}'].map((json) => Buffer.from(json));
  expect(JSON.parse(arrayOf(items).toString())).toEqual([{ a: 1 }, { b: '\n' }]);
  expect(arrayOf([]).toString()).toBe('[]');
  const [data, control] = feedFrame({ items, next: { logId: 'l', offset: 2 } }, '7')
    .toString()
    .split('\n\n');
  expect(data).toBe('event: data\ndata: [{"a":1},{"b":"\\n"}]');
  expect(JSON.parse(control!.split('data: ')[1]!)).toEqual({
    streamNextOffset: `l_${'2'.padStart(16, '0')}`,
    streamCursor: '7',
    upToDate: true,
  });
});

test('P-8 a reader leaves a bounded number of bytes, then is read on from the log', () => {
  const live = new LiveItems({ logId: 'l', offset: 0 });
  const bytes = Buffer.alloc(100_000);
  const event = (type: string, offset: number) => ({ type, conversationId: 'c', offset, logId: 'l', logged: type === 'chunk', bytes });
  live.send(event('live', 0), 'l');
  for (let offset = 1; offset < 1_000; offset++) live.send(event('chunk', offset), 'l');
  expect(live.state).toBe('behind');
  expect(live.bytes).toBeLessThanOrEqual(MAX_HELD_BYTES + bytes.length);
});
