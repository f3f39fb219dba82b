import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { startGateway } from '../../testing/test-gateway.ts';
import { UnsentBudget, type Waiter } from './unsent.ts';

const waiterOf = (unsent: number) => {
  const log: string[] = [];
  const waiter: Waiter = { unsent, slow: () => log.push('slow'), cut: () => log.push('cut') };
  return { waiter, log };
};

test('S-6 the largest waiters of a node go first, and only as many as it takes', () => {
  let refused = 0;
  const budget = new UnsentBudget(100, () => refused++);
  const [small, large, medium] = [waiterOf(20), waiterOf(60), waiterOf(40)];
  for (const { waiter } of [small, large, medium]) budget.behind(waiter);
  budget.check();
  expect([small.log, large.log, medium.log]).toEqual([[], ['slow'], []]);
  // It does not read even now: the memory is needed, so it is cut before anybody else is asked.
  budget.check();
  expect([small.log, large.log, medium.log]).toEqual([[], ['slow', 'cut'], []]);
  budget.check();
  expect(refused).toBe(1);
  budget.caughtUp(small.waiter);
  const next = waiterOf(70);
  budget.behind(next.waiter);
  budget.check();
  expect([medium.log, next.log]).toEqual([[], ['slow']]);
  budget.close();
});

test('S-6 at 0 there is no bound', () => {
  const budget = new UnsentBudget(0, () => undefined);
  const { waiter, log } = waiterOf(1e12);
  budget.behind(waiter);
  budget.check();
  expect(log).toEqual([]);
});

/** A conversation whose snapshot is 2 MiB, more than the kernel takes for a reader that does not read. */
const withLongAnswer = async () => {
  const runLog = createMemoryRunLog();
  const run = { conversationId: 'long', runId: 'r1' };
  await runLog.beginRun({ ...run, userId: 'ann', model: 'm', title: 't', message: { messageId: 'm1', text: 'Hello' } });
  await runLog.claimRun({ ...run, owner: 'o', leaseMs: 60_000, models: { m: true } });
  await runLog.appendChunk({ ...run, epoch: 1, at: 0, text: 'x'.repeat(8 * 1024 * 1024), t: 1 });
  return runLog;
};

test('S-6 event streams and history that nobody reads hold no more than the node may, and who reads is served', async () => {
  await using gateway = await startGateway({
    runLog: await withLongAnswer(),
    env: { MAX_UNSENT_BYTES: `${24 * 1024 * 1024}`, MAX_SOCKETS_PER_USER: '0' },
  });
  let closed = 0;
  const sockets = Array.from({ length: 12 }, () => {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', () => closed++);
    socket.write('GET /api/conversations/long/events?user_id=ann HTTP/1.1\r\nhost: x\r\n\r\n');
    socket.pause();
    return socket;
  });
  await waitFor(async () => (await gateway.metric('runnel_gateway_refusals_total')) >= 8, {
    deadlineMs: 10_000,
    what: 'slow readers are sent away',
  });
  const reader = await gateway.connect();
  reader.send({ type: 'follow', conversationId: 'long' });
  expect((await reader.next('snapshot')).run?.text).toHaveLength(8 * 1024 * 1024);
  for (const socket of sockets) socket.destroy();
  await waitFor(() => closed === 12, { deadlineMs: 5000 });
});

test('S-6 sockets that do not read are closed 4002, the node over its bound', async () => {
  await using gateway = await startGateway({ runLog: await withLongAnswer(), env: { MAX_UNSENT_BYTES: `${20 * 1024 * 1024}` } });
  const slow = await Promise.all(Array.from({ length: 5 }, () => gateway.connect()));
  for (const client of slow) client.socket.pause();
  for (const client of slow) client.send({ type: 'follow', conversationId: 'long' });
  await waitFor(async () => (await gateway.metric('runnel_gateway_refusals_total')) >= 3, { deadlineMs: 10_000, what: 'refusals' });
  const ping = await gateway.connect({ query: { user_id: 'bob' } });
  ping.send({ type: 'ping', t: 1 });
  await ping.next('pong');
  // Two of five fit; once they read they get all of it.
  for (const client of slow) client.socket.resume();
  const whole = () => slow.filter(({ events }) => events.some((event) => event.type === 'snapshot')).length;
  await waitFor(() => whole() >= 2, { deadlineMs: 10_000, what: 'two whole snapshots' });
});
