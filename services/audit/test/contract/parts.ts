import { expect, test } from 'vitest';
import { createMetrics } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';
import { topicOf, type AuditEvent } from '@runnel/protocol/audit';
import type { AuditTables } from '../../src/audit-database.ts';
import { createAuditApp } from '../../src/app.ts';
import { createDirect } from '../../src/relay/direct.ts';
import { auditMetrics } from '../../src/metrics.ts';
import { story } from '../../testing/events.ts';

const LONG = 'đầu ra '.repeat(4_000);
const call: Part = { partId: 'p0', index: 0, at: 2, kind: 'tool', name: 'count', server: 'demo', state: 'waiting', input: '{"n":1}' };

const told = (s: ReturnType<typeof story>, part: Part, text = false) =>
  s.make('PART_CHANGED', {
    ...{ runId: 'r1', partId: part.partId, index: part.index, kind: part.kind, state: part.state },
    ...(text && { text: JSON.stringify(part) }),
  });

/** As a relay brings them: to the tables that people read, and to the statistics. */
const deliver = (tables: AuditTables, events: readonly AuditEvent[]): Promise<unknown> => {
  const direct = createDirect(tables, auditMetrics(createMetrics('audit', { processMetrics: false })));
  const value = (event: object) => new TextEncoder().encode(JSON.stringify(event));
  const records = events.map((event) => ({
    topic: topicOf(event.type),
    key: event.subject,
    value: value(event),
    headers: { ce_id: event.id },
  }));
  return direct.deliver(records);
};

/** The parts of answers as gateways ask for them. */
export const partsContract = (open: () => Promise<AuditTables>): void => {
  test('W-16 a part is told whole to its owner alone, and a message tells its beginning', async () => {
    const tables = await open();
    const app = createAuditApp(tables);
    const read = async (partId: string, userId = 'ann') => {
      const answer = await app.inject({ url: `/parts/c1/${partId}`, headers: { 'x-runnel-user': userId } });
      return { status: answer.statusCode, body: answer.body === '' ? null : answer.json<unknown>() };
    };
    const s = story();
    const done: Part = { ...call, state: 'done', output: LONG };
    await tables.store.write([s.started(), s.said('m1', 'q'), s.began('r1', 'm1'), told(s, done, true), s.ended('r1', 'm1', 'a')]);
    expect(await read('p0')).toEqual({ status: 200, body: { runId: 'r1', part: done } });
    expect(await read('p0', 'bob')).toEqual({ status: 404, body: null });
    expect((await read('p1')).status).toBe(404);
    const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 9 });
    expect(page.kind === 'page' && page.messages[1]!.parts).toMatchObject([{ truncated: true }]);
    await tables.store.write([s.make('MESSAGE_DELETED', { messageId: 'r1' })]);
    expect((await read('p0')).status).toBe(404);
  });

  test('W-17 the list says what waits for a person, and not what nobody will decide any more', async () => {
    const tables = await open();
    const waiting = async () => (await tables.reader.conversations({ userId: 'ann', limit: 9 })).conversations.map((c) => c.waiting);
    const s = story();
    await tables.store.write([s.started(), s.said('m1', 'q'), s.began('r1', 'm1'), told(s, call, true)]);
    expect(await waiting()).toEqual([true]);
    await tables.store.write([told(s, { ...call, state: 'unknown' }, true)]);
    expect(await waiting()).toEqual([true]);
    await tables.store.write([s.ended('r1', 'm1', 'a')]);
    expect(await waiting()).toEqual([undefined]);
  });

  test('W-17 an answer that waits is told with all that another store needs, to its owner alone, as its parts stand now', async () => {
    const tables = await open();
    const app = createAuditApp(tables);
    const ask = async (userId = 'ann', query = '?limit=9&parked=1') => {
      const answer = await app.inject({ url: `/history/c1${query}`, headers: { 'x-runnel-user': userId } });
      return answer.statusCode === 200 ? (answer.json<{ parked?: ParkedRun }>().parked ?? null) : answer.statusCode;
    };
    const s = story();
    const used = { usage: { promptTokens: 3, completionTokens: 7 }, bytes: 3 };
    const run = { runId: 'r1', parentId: 'm1', model: 'count', startedAt: 5 };
    const waits = s.make('RUN_WAITING', {
      ...{ ...run, epoch: 2, bytes: 3, partIds: ['p0'], parts: 1, text: 'abc', used, trimmed: { messages: 1, tokens: 9 } },
      request: { text: '{"system":"x"}' },
    });
    await tables.store.write([s.started(), s.said('m1', 'q'), s.began('r1', 'm1'), waits]);
    // Its part is still on its way.
    expect(await ask()).toBeNull();
    await tables.store.write([told(s, call, true)]);
    const parked = {
      ...{ ...run, epoch: 2, claims: 2, text: 'abc', partIds: ['p0'], used, trimmed: { messages: 1, tokens: 9 } },
      ...{ request: '{"system":"x"}', parts: [call] },
    };
    expect(await ask()).toEqual(parked);
    expect([await ask('bob'), await ask('ann', '?limit=9')]).toEqual([403, null]);
    expect(await tables.waiting()).toBe(1);
    const trail = await tables.trail.page({ conversationId: 'c1', limit: 9 });
    expect(JSON.stringify(trail)).not.toContain('system');

    const approved: Part = { ...call, state: 'approved' };
    const claim = { kind: 'claim', runId: 'r1', epoch: 3, bytes: 3, restarted: false, owner: 'pod' } as const;
    await deliver(tables, [told(s, approved, true), s.make('RECOVERY_ATTEMPT', claim)]);
    expect(await ask()).toEqual({ ...parked, claims: 3, parts: [approved] });
    // What came after it began to wait is not of the text that is kept.
    await tables.store.write([told(s, { ...call, partId: 'p1', index: 1, at: 9, state: 'done' }, true)]);
    expect(await ask()).toMatchObject({ parts: [approved] });
    const end = s.ended('r1', 'm1', 'abcd');
    await tables.store.write([{ ...end, data: { ...end.data, parts: { count: 1, sha256: 'x' } } } as typeof end]);
    expect([await ask(), await tables.waiting()]).toEqual([null, 0]);
    // A copy of an older state ended without it.
    const page = await tables.reader.history({ conversationId: 'c1', userId: 'ann', limit: 9 });
    expect(page.kind === 'page' && page.messages[1]!.parts?.map(({ partId }) => partId)).toEqual(['p0']);
  });

  test('W-17 what ended, or was deleted, waits no more, in whichever order it is told', async () => {
    const tables = await open();
    const s = story();
    const run = { runId: 'r1', parentId: 'm1', model: 'count', startedAt: 5 };
    const waits = s.make('RUN_WAITING', { ...run, epoch: 2, bytes: 3, partIds: ['p0'], parts: 1, text: 'rhinoceros' });
    const end = s.ended('r1', 'm1', 'abcd');
    await tables.store.write([s.started(), s.said('m1', 'q'), end]);
    await tables.store.write([waits, told(s, call, true)]);
    expect(await tables.parked('c1', 'ann')).toBeNull();
    expect(await tables.database.query('SELECT * FROM parked')).toEqual([]);
    const other = story('c2');
    const again = other.make('RUN_WAITING', { ...run, epoch: 2, bytes: 3, partIds: ['p0'], parts: 1, text: 'rhinoceros' });
    await tables.store.write([other.started(), other.said('m1', 'q'), again, told(other, call, true)]);
    expect(await tables.parked('c2', 'ann')).toMatchObject({ text: 'rhinoceros' });
    await tables.store.write([other.sessionDeleted()]);
    expect(await tables.parked('c2', 'ann')).toBeNull();
    expect(await tables.database.query('SELECT * FROM parked')).toEqual([]);
  });

  test('W-16 a replay tells each part when its state changed, and what it says the last time', async () => {
    const tables = await open();
    const s = story();
    const done: Part = { ...call, state: 'done', output: '7' };
    const events = [
      ...[s.started(), s.said('m1', 'q'), s.began('r1', 'm1'), told(s, call, true), told(s, { ...call, state: 'running' })],
      ...[told(s, done, true), s.ended('r1', 'm1', 'a')],
    ];
    await deliver(tables, events);
    const replay = await tables.replay('r1', 'ann');
    expect(replay!.parts!.map(({ part }) => [part.state, part.output])).toEqual([
      ['waiting', undefined],
      ['running', undefined],
      ['done', '7'],
    ]);
    const times = replay!.parts!.map(({ ms }) => ms);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(new Set(times).size).toBe(3);
    expect(await tables.replay('r1', 'bob')).toBeNull();
  });

  test('W-19 a call that its owner told of is being called, also when nothing else of the decision arrives', async () => {
    const tables = await open();
    const app = createAuditApp(tables);
    const post = async (part: Part, userId = 'ann') =>
      (
        await app.inject({
          method: 'POST',
          url: '/called',
          headers: { 'x-runnel-user': userId },
          payload: { conversationId: 'c1', runId: 'r1', part },
        })
      ).statusCode;
    const s = story();
    const running: Part = { ...call, state: 'running', attempt: 1, approval: { policy: 'ask', decision: 'approved', by: 'ann', at: 1 } };
    expect(await post(running)).toBe(404);
    const waiting = { runId: 'r1', parentId: 'm1', model: 'm', startedAt: 1, epoch: 1, bytes: 0, partIds: ['p0'], parts: 1, text: '' };
    await tables.store.write([s.started(), s.said('m1', 'q'), s.began('r1', 'm1'), told(s, call, true), s.make('RUN_WAITING', waiting)]);
    expect((await tables.parked('c1', 'ann'))!.parts).toEqual([call]);
    expect([await post(running, 'bob'), await post(running)]).toEqual([404, 204]);
    expect((await tables.parked('c1', 'ann'))!.parts).toEqual([running]);
    // What comes late by the events says no less than that it was decided; what has ended stays so.
    const done: Part = { ...running, state: 'done', output: '1' };
    await tables.store.write([told(s, done, true)]);
    expect(await post(running)).toBe(204);
    expect((await tables.parked('c1', 'ann'))!.parts).toEqual([done]);
    for (const payload of [{}, { conversationId: 'c1', runId: 'r1', part: {} }])
      expect((await app.inject({ method: 'POST', url: '/called', headers: { 'x-runnel-user': 'ann' }, payload })).statusCode).toBe(400);
  });
};
