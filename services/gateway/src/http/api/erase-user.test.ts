import { createMemoryRunLog } from '@runnel/coordination';
import { newId } from '@runnel/protocol';
import { expect, onTestFinished, test } from 'vitest';
import type { AuditClient } from '../../archive/audit-client.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

const ANN = 'ann@example.org';

const promptOf = (userId: string) => ({
  ...{ conversationId: newId(), userId, runId: newId(), model: 'count', title: 'A title' },
  message: { messageId: newId(), text: 'count 3' },
});

const open = async (audit: AuditClient | null = null) => {
  const runLog = createMemoryRunLog();
  const gateway = await startGateway({ runLog, env: { ADMIN_USERS: 'root' }, ...(audit && { audit }) });
  onTestFinished(async () => {
    await gateway.close();
    await runLog.close();
  });
  const erase = async (by = 'root'): Promise<{ status: number; body: unknown }> => {
    const answer = await gateway.app.inject({ method: 'DELETE', url: `/api/admin/users/${encodeURIComponent(ANN)}?user_id=${by}` });
    return { status: answer.statusCode, body: answer.json() };
  };
  return { runLog, erase };
};

test('S-17 without an audit service the store has all there is, and it goes; a second time there is nothing', async () => {
  const { runLog, erase } = await open();
  const prompts = [promptOf(ANN), promptOf(ANN), promptOf('bob')];
  for (const prompt of prompts) await runLog.beginRun(prompt);
  await runLog.spendBytes(ANN, 90, 100);
  expect((await erase(ANN)).status).toBe(403);
  expect(await erase()).toEqual({ status: 200, body: { conversations: 2, forgotten: true } });
  for (const { conversationId } of prompts.slice(0, 2))
    expect(await runLog.readState({ conversationId, userId: ANN })).toMatchObject({ kind: 'none' });
  expect((await runLog.listConversations({ userId: ANN, limit: 9 })).conversations).toEqual([]);
  expect(await runLog.spendBytes(ANN, 90, 100)).toMatchObject({ outcome: 'spent' });
  expect((await runLog.listConversations({ userId: 'bob', limit: 9 })).conversations).toHaveLength(1);
  // Who did it is told to whoever reads the outbox later.
  const told = runLog.outbox.read(99).filter(({ fields }) => fields.type === 'SESSION_DELETED');
  expect(told.map(({ fields }) => JSON.parse(fields.data) as object)).toEqual(
    Array(2).fill({ userId: ANN, deletedBy: 'root', erased: true }),
  );
  expect(await erase()).toEqual({ status: 200, body: { conversations: 0, forgotten: true } });
});

test('S-17 the answer waits until the trail has forgotten the name, and a failing audit is told', async () => {
  const asked: string[] = [];
  let answers = [false, false, true];
  let status = 200;
  const audit: AuditClient = {
    async call(path) {
      asked.push(path.split('?')[0]!);
      if (path === '/trail') return { status: 204, body: null };
      if (path === '/forget') return { status, body: { forgotten: answers.shift() ?? true } };
      return { status: 200, body: { conversations: [], hasMore: false } };
    },
  };
  const { erase } = await open(audit);
  expect(await erase()).toEqual({ status: 200, body: { conversations: 0, forgotten: true } });
  // Recorded first, forgotten last.
  expect([asked[0], asked.filter((path) => path === '/forget').length, asked.at(-1)]).toEqual(['/trail', 3, '/forget']);
  [status, answers] = [503, []];
  expect((await erase()).status).toBe(503);
});
