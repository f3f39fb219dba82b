import { expect, test } from 'vitest';
import { csvLine } from './trail-csv.ts';

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
