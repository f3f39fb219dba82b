import type { WorkHint } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { createFastClock } from '../../testing/fast-clock.ts';
import { listenForWork } from './work-hints.ts';

const hint: WorkHint = { kind: 'free', conversationId: 'c', runId: 'r' };

test('P-10 a pod that starts before its store listens as soon as it is there', async () => {
  let tries = 0;
  let closed = false;
  const heard: WorkHint[] = [];
  const failures: unknown[] = [];
  const hints = listenForWork({
    runLog: {
      async onWork(listener) {
        if (++tries < 3) throw new RunnelError('unavailable', 'away');
        listener(hint);
        return { close: async () => void (closed = true) };
      },
    },
    onHint: (got) => heard.push(got),
    onFailure: (error) => failures.push(error),
    clock: createFastClock(),
    random: () => 1,
  });
  await hints.tried;
  await expect.poll(() => heard).toEqual([hint]);
  expect(failures).toHaveLength(2);
  await hints.close();
  expect(closed).toBe(true);
});

test('closing gives up', async () => {
  const failing = { onWork: () => Promise.reject(new RunnelError('unavailable', 'away')) };
  const hints = listenForWork({
    runLog: failing,
    onHint: () => undefined,
    onFailure: () => undefined,
    clock: createFastClock(),
    random: () => 1,
  });
  await hints.close();
});
