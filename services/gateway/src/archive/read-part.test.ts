import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import { contentOf, RunnelError, sealOf, type Part } from '@runnel/protocol';
import { startGateway, type TestGateway } from '../../testing/test-gateway.ts';
import type { AuditClient } from './audit-client.ts';

const C = 'c1';
const LONG = 'nghĩ và nghĩ '.repeat(3_000);

interface World extends TestGateway {
  /** What the database has of parts; null: it is down. */
  database: { parts: Map<string, { runId: string; part: Part }> | null; asked: string[] };
  read(partId: string, userId?: string): Promise<{ status: number; body: Part & { code?: string } }>;
}

const world = async (): Promise<World> => {
  const database: World['database'] = { parts: new Map(), asked: [] };
  const audit: AuditClient = {
    async call(path) {
      if (database.parts === null) throw new RunnelError('unavailable');
      const partId = /^\/parts\/c1\/([^?]+)/.exec(path)?.[1];
      if (partId === undefined) return { status: 404, body: null };
      database.asked.push(partId);
      const found = database.parts.get(partId);
      return found ? { status: 200, body: found } : { status: 404, body: null };
    },
  };
  const gateway = await startGateway({ audit });
  onTestFinished(() => gateway.close());
  const read: World['read'] = async (partId, userId = 'ann') => {
    const answer = await fetch(`${gateway.url}/api/conversations/${C}/parts/${partId}?user_id=${userId}`);
    return { status: answer.status, body: (await answer.json()) as Part };
  };
  return { ...gateway, database, read };
};

const begin = async ({ url, owner }: World): Promise<void> => {
  const body = JSON.stringify({ conversationId: C, messageId: 'm1', runId: 'r1', text: 'think' });
  const headers = { 'content-type': 'application/json' };
  expect((await fetch(`${url}/api/chat?user_id=ann`, { method: 'POST', headers, body })).status).toBe(202);
  await waitFor(() => owner.runs.includes('r1'));
};

test('W-16 a part is read while it grows and when it has ended, and what its message cuts comes from the log, then from the database', async () => {
  const w = await world();
  await begin(w);
  await w.owner.part('r1', { partId: 'p0', text: '' });
  await w.owner.stream('r1', 'p0', 'text', 'short');
  expect(await w.read('p0')).toMatchObject({ status: 200, body: { state: 'open', text: 'short' } });
  await w.owner.part('r1', { partId: 'p0', state: 'done' });
  await w.owner.part('r1', { partId: 'p1', kind: 'tool', state: 'input', name: 'read', input: '', output: '' });
  await w.owner.stream('r1', 'p1', 'input', '{}');
  await w.owner.part('r1', { partId: 'p1', state: 'running', attempt: 1 });
  await w.owner.stream('r1', 'p1', 'output', LONG);
  await w.owner.part('r1', { partId: 'p1', state: 'done' });
  await w.owner.say('r1', 'done');
  expect(await w.owner.end('r1')).toBe('ended');
  expect((await w.read('p0')).body).toMatchObject({ state: 'done', text: 'short' });
  const page = (await (await fetch(`${w.url}/api/history/${C}?user_id=ann`)).json()) as { messages: { parts?: Part[] }[] };
  expect(page.messages.at(-1)!.parts![1]).toMatchObject({ truncated: true });
  expect(w.database.asked).toEqual([]);

  // The database has not heard of it: the log has its events for a minute.
  const told = await w.read('p1');
  expect(told).toMatchObject({ status: 200, body: { partId: 'p1', index: 1, input: '{}', output: LONG } });
  expect(sealOf(told.body)).toEqual({ bytes: told.body.bytes, sha256: told.body.sha256 });
  w.database.parts = null;
  expect((await w.read('p1')).body.output).toBe(LONG);
  w.database.parts = new Map([['p1', { runId: 'r1', part: { ...told.body, note: 'of the database' } }]]);
  expect((await w.read('p1')).body).toMatchObject({ output: LONG, note: 'of the database' });
  expect(contentOf((await w.read('p0')).body)).toBe('short');
});

test('a part that nobody can tell whole just now is 503, one that is not there 404, and what was deleted is not told by a database that has not heard of it', async () => {
  const w = await world();
  await begin(w);
  await w.owner.part('r1', { partId: 'p0', text: '' });
  await w.owner.stream('r1', 'p0', 'text', LONG);
  const whole: Part = { partId: 'p0', index: 0, at: 0, kind: 'reasoning', state: 'done', text: LONG };
  await w.owner.say('r1', 'x');
  expect(await w.owner.end('r1')).toBe('ended');
  expect((await w.read('nope')).status).toBe(404);
  expect((await w.read('p0', 'bob')).status).toBe(403);
  // A log that has been cut has no longer what came before.
  const remove = (messageId: string) => fetch(`${w.url}/api/history/${C}/${messageId}?user_id=ann`, { method: 'DELETE' });
  expect((await remove('m1')).status).toBe(200);
  expect(await w.read('p0')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  w.database.parts!.set('p0', { runId: 'r1', part: whole });
  expect((await w.read('p0')).body.text).toBe(LONG);
  expect((await remove('r1')).status).toBe(200);
  expect((await w.read('p0')).status).toBe(404);
  w.database.parts = null;
  expect((await w.read('p0')).status).toBe(503);
});
