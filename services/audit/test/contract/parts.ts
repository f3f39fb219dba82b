import { expect, test } from 'vitest';
import { createMetrics } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import { topicOf } from '@runnel/protocol/audit';
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

  test('W-16 a replay tells each part when its state changed, and what it says the last time', async () => {
    const tables = await open();
    const s = story();
    const done: Part = { ...call, state: 'done', output: '7' };
    const { deliver } = createDirect(tables, auditMetrics(createMetrics('audit', { processMetrics: false })));
    const events = [
      ...[s.started(), s.said('m1', 'q'), s.began('r1', 'm1'), told(s, call, true), told(s, { ...call, state: 'running' })],
      ...[told(s, done, true), s.ended('r1', 'm1', 'a')],
    ];
    const value = (event: object) => new TextEncoder().encode(JSON.stringify(event));
    await deliver(
      events.map((event) => ({ topic: topicOf(event.type), key: event.subject, value: value(event), headers: { ce_id: event.id } })),
    );
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
};
