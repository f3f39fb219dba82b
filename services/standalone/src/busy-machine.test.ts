import { setTimeout as sleep } from 'node:timers/promises';
import type { AuditClient } from '@runnel/gateway';
import { expect, test } from 'vitest';
import { newFolder, startAll } from '../testing/start-all.ts';

/** Longer than a gateway waits for another machine's database. */
const BUSY_MS = 600;
const busy = (tables: AuditClient): AuditClient => ({
  call: async (...asked) => {
    await sleep(BUSY_MS);
    return tables.call(...asked);
  },
});

test('P-2 W-4 after a restart on a busy machine a question goes on where it was asked, and a key means the same run', async () => {
  const dir = await newFolder();
  const first = await startAll(dir);
  await first.ask({ conversationId: 'c1', messageId: 'm1', text: 'count 3 at 500' });
  const body = { model: 'count', messages: [{ role: 'user', content: 'count 2 at 500' }] };
  const complete = async (server: typeof first): Promise<{ id: string }> => {
    const told = await server.inject('POST', '/v1/chat/completions', { headers: { 'idempotency-key': 'k' }, payload: body });
    expect(told.statusCode).toBe(200);
    return told.json<{ id: string }>();
  };
  const { id } = await complete(first);
  await first.close();

  const second = await startAll(dir, {}, { beforeTables: busy });
  expect((await complete(second)).id).toBe(id);
  await second.ask({ conversationId: 'c1', messageId: 'm2', text: 'count 2 at 500' });
  const messages = await second.history('c1');
  expect(messages.map(({ text }) => text.trim())).toEqual([
    'count 3 at 500',
    'w000001 w000002 w000003',
    'count 2 at 500',
    'w000001 w000002',
  ]);
  expect(messages[2]!.parentId).toBe(messages[1]!.messageId);
});
