import { expect, test } from 'vitest';
import type { TrailEntry, TrailPage } from '@runnel/protocol/http';
import { csvLine, EXPORTS } from './trail-export.ts';

const entryOf = (sequence: number): TrailEntry => ({
  ...{ time: sequence, type: 'CHAT_MESSAGE', conversationId: 'c1', userId: 'ann', runId: null, logId: 'l', sequence },
  ...{ eventId: `l:a${sequence}`, hash: null, data: '{}' },
});

test.each(['csv', 'ndjson'] as const)('an export asks for page after page, and for no more when its reader leaves: %s', async (format) => {
  const asked: string[] = [];
  const pageAfter = async (after: string): Promise<TrailPage> => {
    asked.push(after);
    const n = Number(after) + 1;
    return { events: [entryOf(n)], next: n < 4 ? String(n) : null };
  };
  const first = { events: [entryOf(1)], next: '1' };
  let whole = '';
  for await (const part of EXPORTS[format].write(first, pageAfter)) whole += part;
  expect(asked).toEqual(['1', '2', '3']);
  expect(whole.match(/l:a\d/g)).toEqual(['l:a1', 'l:a2', 'l:a3', 'l:a4']);

  asked.length = 0;
  for await (const part of EXPORTS[format].write(first, pageAfter)) if (part.includes('l:a2')) break;
  expect(asked).toEqual(['1']);
});

test('cells are quoted, and none is a formula', () => {
  const entry = {
    time: 0,
    type: 'CHAT_MESSAGE',
    conversationId: '-c1',
    userId: '=cmd()',
    runId: null,
    logId: 'l',
    sequence: 1,
    eventId: 'l:a1',
    hash: null,
    data: '{"a":1}',
  };
  expect(csvLine(entry)).toBe(`1970-01-01T00:00:00.000Z,CHAT_MESSAGE,'-c1,'=cmd(),,l,1,l:a1,,"{""a"":1}"\r\n`);
});
