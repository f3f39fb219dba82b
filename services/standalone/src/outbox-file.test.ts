import { readFileSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryRunLog } from '@runnel/coordination';
import { createLogger, silentLog } from '@runnel/kit';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { OutboxEntry } from '@runnel/protocol/audit';
import { durable } from './answer-journal.ts';
import { endedIn } from './answer-recovery.ts';
import { openOutboxFile, OutboxFile, readLines } from './outbox-file.ts';

const place = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-outbox-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'outbox.ndjson');
};
const entry = (n: number): OutboxEntry => ({
  entryId: `${n}-0`,
  fields: { id: `log:a${n}`, type: 'CHAT_MESSAGE', conversation: 'c', time: '1', data: JSON.stringify({ text: `ế "${n}"\n` }), trace: '' },
});
const linesIn = async (file: string): Promise<number> => readLines(await readFile(file)).entries.length;

test('B10 what was acknowledged or published is in the file by then', async () => {
  const file = await place();
  const outbox = await openOutboxFile({ file, log: silentLog });
  const memory = createMemoryRunLog({ durable: outbox });
  const runLog = durable(memory, outbox);
  const told: [string, string][] = [];
  await runLog.follow('c', {
    message(bytes) {
      const { type } = JSON.parse(bytes.toString()) as { type: string };
      // In this very turn: what is read later may have been written later.
      told.push([type, readFileSync(file, 'utf8')]);
    },
    resubscribed: () => undefined,
  });
  const run = { conversationId: 'c', runId: 'r' };
  await runLog.beginRun({ ...run, userId: 'u', model: 'm', title: 't', message: { messageId: 'm1', text: 'question' } });
  expect(readFileSync(file, 'utf8')).toContain('question');
  const claim = await runLog.claimRun({ ...run, owner: 'o', leaseMs: 1000, models: { m: true } });
  const epoch = claim.outcome === 'claimed' ? claim.epoch : 0;
  await runLog.appendChunk({ ...run, epoch, at: 0, text: 'answer', t: 1 });
  const ending = memory.endRun({ ...run, epoch, reason: 'complete', finish: 'stop', bytes: 6, sha256: 'x' });
  // A reader that comes in this very moment is not told sooner than followers are.
  const state = await runLog.readState({ conversationId: 'c' });
  expect(state).toMatchObject({ run: null });
  expect(readFileSync(file, 'utf8')).toContain('"answer');
  await ending;
  const events = new Map(told);
  expect(events.get('message')).toContain('question');
  expect(events.get('run-ended')).toMatch(/STREAM_COMPLETED.*answer/);
  await outbox.close();
});

test('B10 a process killed in the middle of a line leaves the lines before it, and the next one goes on behind them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.nat(200), async (count, cut) => {
      const file = await place();
      const first = await openOutboxFile({ file, log: silentLog });
      for (let n = 1; n <= count; n++) first.wrote(entry(n));
      await first.close();
      const line = JSON.stringify(entry(99).fields);
      await appendFile(file, line.slice(0, cut % line.length));
      const second = await openOutboxFile({ file, log: silentLog });
      expect(second.left.map(({ fields }) => fields.id)).toEqual(Array.from({ length: count }, (_, i) => `log:a${i + 1}`));
      second.wrote(entry(count + 1));
      await second.close();
      expect(await linesIn(file)).toBe(count + 1);
    }),
    { numRuns: 20 },
  );
});

test('the file is emptied when the tables have it all, and not while something is on its way', async () => {
  const file = await place();
  const outbox = await openOutboxFile({ file, log: silentLog });
  outbox.wrote(entry(1));
  await outbox.clear();
  await outbox.pending();
  expect(await linesIn(file)).toBe(1);
  await expect.poll(async () => (await outbox.clear(), linesIn(file))).toBe(0);
  outbox.wrote(entry(2));
  await outbox.pending();
  expect(await linesIn(file)).toBe(1);
  expect(outbox.pending()).toBeNull();
  await outbox.close();
});

test('a disk that refuses costs the safety and not the answer, and is told once', async () => {
  const lines: string[] = [];
  const log = createLogger({ node: 'n', service: 's' }, { write: (line) => void lines.push(line) });
  const refuse = (): Promise<never> => Promise.reject(new Error('ENOSPC'));
  const outbox = new OutboxFile({ appendFile: refuse, close: async () => undefined } as never, log, 0, []);
  outbox.wrote(entry(1));
  await outbox.pending();
  outbox.wrote(entry(2));
  await outbox.pending();
  expect(lines.filter((line) => line.includes('outbox-file.failed'))).toHaveLength(1);
  await outbox.close();
});

test('W-17 which runs nobody has to end, by what a killed process left', () => {
  const types = ['STREAM_STARTED', 'STREAM_COMPLETED', 'STREAM_CANCELLED', 'STREAM_ERROR', 'MESSAGE_DELETED', 'RUN_WAITING'] as const;
  const left = types.map((type, n) => ({
    entryId: `0-${n}`,
    fields: { ...entry(n).fields, type, data: JSON.stringify({ runId: type, epoch: 2 }) },
  }));
  const isEnded = endedIn(left);
  const ended = (epoch: number) => types.filter((runId) => isEnded({ conversationId: 'c', runId, epoch }));
  expect(ended(2)).toEqual(['STREAM_COMPLETED', 'STREAM_CANCELLED', 'STREAM_ERROR', 'RUN_WAITING']);
  // Decided since, and taken by another owner.
  expect(ended(3)).toEqual(['STREAM_COMPLETED', 'STREAM_CANCELLED', 'STREAM_ERROR']);
  expect(isEnded({ conversationId: 'other', runId: 'STREAM_ERROR', epoch: 2 })).toBe(false);
});
