import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { newId } from '@runnel/protocol';
import { waitFor } from '@runnel/kit';
import { expect, test, vi } from 'vitest';
import { digestOf } from './api-key.ts';
import { LiveGrants } from './live-grants.ts';

const RECHECK_MS = 20;
const open = async (change: Partial<RunLog> = {}) => {
  const log = { ...createMemoryRunLog(), ...change };
  const userId = newId();
  const grantId = newId();
  await log.addGrant({
    ...{ userId, grantId, kind: 'key', digest: digestOf(grantId), data: '{}' },
    ...{ lifeMs: null, idleMs: 0, limit: 5, whenFull: 'refuse' },
  });
  const grants = new LiveGrants(log, { recheckMs: RECHECK_MS });
  return { log, grants, ref: { userId, grantId, kind: 'key' as const } };
};

test('A-6 what lives of a grant ends as soon as it is ended, each once; other grants and those that left go on', async () => {
  const { log, grants, ref } = await open();
  const [first, second, left, other] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()];
  grants.watch(ref, first);
  grants.watch(ref, second);
  grants.watch(ref, left)();
  grants.watch({ ...ref, grantId: newId() }, other);
  await log.endGrant(ref);
  expect([first, second, left, other].map((one) => one.mock.calls.length)).toEqual([1, 1, 0, 0]);
  await log.endGrant(ref);
  expect(first).toHaveBeenCalledTimes(1);
  grants.close();
});

test('A-6 what begins after the end was heard, by a check before it, ends at once', async () => {
  const { log, grants, ref } = await open();
  await log.endGrant(ref);
  const late = vi.fn();
  grants.watch(ref, late);
  await waitFor(() => late.mock.calls.length === 1, { deadlineMs: 1_000 });
  grants.close();
});

test('A-6 a hint that was lost is made good by looking', async () => {
  const { log, grants, ref } = await open({ onGrantEnded: async () => ({ close: async () => {} }) });
  const ended = vi.fn();
  grants.watch(ref, ended);
  await log.endGrant(ref);
  await waitFor(() => ended.mock.calls.length === 1, { deadlineMs: 2_000 });
  grants.close();
});

test('P-10 a store that does not answer ends nobody, and is asked again', async () => {
  let away = true;
  const memory = createMemoryRunLog();
  const listGrants: RunLog['listGrants'] = async (query) => {
    asked++;
    if (away) throw new Error('away');
    return memory.listGrants(query);
  };
  let asked = 0;
  const grants = new LiveGrants({ ...memory, onGrantEnded: async () => Promise.reject(new Error('away')), listGrants }, { recheckMs: 5 });
  const ended = vi.fn();
  grants.watch({ userId: 'ann', grantId: newId(), kind: 'session' }, ended);
  await waitFor(() => asked > 3, { deadlineMs: 2_000 });
  expect(ended).not.toHaveBeenCalled();
  away = false;
  await waitFor(() => ended.mock.calls.length === 1, { deadlineMs: 2_000 });
  grants.close();
});
