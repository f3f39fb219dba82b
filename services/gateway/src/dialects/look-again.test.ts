import { createMemoryRunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { waitFor } from '@runnel/kit';
import { expect, onTestFinished, test } from 'vitest';
import { startGateway } from '../../testing/test-gateway.ts';
import { findRun } from './find-run.ts';

const USER = 'ann';
const ref = { conversationId: 'c1', runId: 'r1' };
const lease = { owner: 'pod', leaseMs: 60_000 };
const AG_UI = '/api/ag-ui/agent/default';

/** A running answer, a store that can forget it, and its owner, which can write it again. */
const startWorld = async () => {
  const store = new MemoryStore(Date.now, 1_000);
  const empty = store.copy();
  const runLog = createMemoryRunLog({ store });
  let reads = 0;
  const counting = { ...runLog, readState: (query: Parameters<typeof runLog.readState>[0]) => (reads++, runLog.readState(query)) };
  const gateway = await startGateway({ runLog: counting });
  onTestFinished(() => gateway.close());
  await runLog.beginRun({ ...ref, userId: USER, model: 'count', title: 'T', message: { messageId: 'm1', text: 'Hello' } });
  const claim = await runLog.claimRun({ ...ref, ...lease, models: { count: true } });
  if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
  await runLog.appendChunk({ ...ref, epoch: claim.epoch, at: 0, text: 'one ', t: 1 });
  const { epoch, userId, title, run, messages } = claim;
  return {
    gateway,
    runLog: counting,
    reads: () => reads,
    forget: () => {
      store.goBack(empty);
      store.raise();
    },
    restore: () => runLog.restoreRun({ ...ref, ...lease, epoch, userId, title, run, messages, text: 'one ', newLogId: 'log-2' }),
  };
};

const stop = (body: object) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const LOOKS: Record<string, { path: string; init?: RequestInit; status: number }> = {
  'a response': { path: '/v1/responses/resp_c1.r1', status: 200 },
  'what a response answers': { path: '/v1/responses/resp_c1.r1/input_items', status: 200 },
  'the stream of a chat of the AI SDK': { path: '/api/ai-sdk/c1/stream', status: 200 },
  'a stop of the AI SDK': { path: '/api/ai-sdk/c1/stop', init: stop({}), status: 200 },
  'a stop of AG-UI': { path: `${AG_UI}/stop/c1`, init: stop({}), status: 200 },
};

test.each(Object.entries(LOOKS))(
  'L-6 %s: a store that has just changed is not believed that there is nothing',
  async (_name, { path, init, status }) => {
    const world = await startWorld();
    const left = new AbortController();
    onTestFinished(() => left.abort());
    world.forget();
    const before = world.reads();
    const asked = fetch(`${world.gateway.url}${path}?user_id=${USER}`, { ...init, signal: left.signal });
    // It has looked twice, and found nothing.
    await waitFor(() => world.reads() >= before + 2, { deadlineMs: 5_000, what: 'a second look' });
    await world.restore();
    expect((await asked).status).toBe(status);
  },
);

test('L-6 what is not written again is not there, and where nothing has changed nobody looks twice', async () => {
  const { runLog, forget, reads } = await startWorld();
  const place = { conversationId: 'nobody-made-this', userId: USER };
  expect(await findRun(runLog, place)).toBeNull();
  expect(reads()).toBe(1);
  forget();
  await waitFor(() => runLog.storeChangedAgoMs() < 1_000, { deadlineMs: 5_000, what: 'the change' });
  expect(await findRun(runLog, place)).toBeNull();
  expect(reads()).toBeGreaterThan(2);
  expect(runLog.storeChangedAgoMs()).toBeGreaterThan(3_000);
});
