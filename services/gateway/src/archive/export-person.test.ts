import { newId, RunnelError } from '@runnel/protocol';
import type { ExportLine } from '@runnel/protocol/http';
import { expect, test } from 'vitest';
import { startGateway } from '../../testing/test-gateway.ts';
import type { AuditClient } from './audit-client.ts';
import { exportPerson, type ExportSources } from './export-person.ts';

const NOTHING = { files: null, records: async () => ({}), keys: async () => [], sessions: async () => [] };
const collect = async (sources: ExportSources, page?: number): Promise<ExportLine[]> => {
  const lines: ExportLine[] = [];
  for await (const line of exportPerson(sources, 'ann', 1, page)) lines.push(line);
  return lines;
};
const turns = async (count: number) => {
  const gateway = await startGateway();
  const conversationId = newId();
  for (let turn = 1; turn <= count; turn++) {
    const runId = newId();
    const message = { messageId: newId(), text: `question ${turn}` };
    await gateway.runLog.beginRun({ conversationId, userId: 'ann', runId, model: 'default', title: 't', message });
    await gateway.owner.claim({ conversationId, runId });
    await gateway.owner.say(runId, `answer ${turn}`);
    await gateway.owner.end(runId);
  }
  return gateway;
};

test.each([1, 3, 4, 100])('G-1 every message is there once, the oldest first, by pages of %i', async (page) => {
  await using gateway = await turns(6);
  const lines = await collect({ runLog: gateway.runLog, audit: null, ...NOTHING }, page);
  const texts = lines.flatMap((line) => (line.type === 'message' ? [line.message.text] : []));
  expect(texts).toEqual([1, 2, 3, 4, 5, 6].flatMap((turn) => [`question ${turn}`, `answer ${turn}`]));
  expect(lines.at(-1)).toMatchObject({ type: 'end', conversations: 1, messages: 12 });
});

test('G-1 while the database is away there is no export: what lacks a part would look whole', async () => {
  await using gateway = await turns(1);
  let working = 1;
  const audit: AuditClient = {
    call: async () => {
      if (working-- > 0) return { status: 200, body: { conversations: [], hasMore: false } };
      throw new RunnelError('unavailable', 'away');
    },
  };
  const lines: ExportLine[] = [];
  const write = async (): Promise<void> => {
    for await (const line of exportPerson({ runLog: gateway.runLog, audit, ...NOTHING }, 'ann', 1)) lines.push(line);
  };
  await expect(write()).rejects.toMatchObject({ code: 'unavailable' });
  expect(lines.some(({ type }) => type === 'end')).toBe(false);
});
