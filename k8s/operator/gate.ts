import { elapse, waitFor } from '@runnel/e2e';
import type { Release } from '../lib/release.ts';
import { step } from '../lib/step.ts';
import { BROKEN_IMAGE } from '../lib/broken-image.ts';
import { ask } from './ask.ts';

const HOLD_MS = 120_000;
const WHOLE_MS = 120_000;
const ASKERS = 4;
const PROMPT = 'count 20 at 100';
const AFTERWARDS = 20;
const DEGRADED = 'jsonpath={.status.conditions[?(@.type=="Degraded")].reason}';

/** People who ask until they are told to stop. */
const askers = (origin: () => string) => {
  const stopped = new AbortController();
  const counts = { whole: 0, failed: 0 };
  const all = Array.from({ length: ASKERS }, async () => {
    while (!stopped.signal.aborted) {
      const { status, text } = await ask(origin(), 'demo', PROMPT);
      counts[status === 200 && text.endsWith('w000020') ? 'whole' : 'failed']++;
      await elapse(100);
    }
  });
  return {
    counts,
    async stop() {
      stopped.abort();
      await Promise.all(all);
      return counts;
    },
  };
};

/** An image whose pods are ready and whose answers break. */
export const gateSteps = async (app: Release, origin: () => string): Promise<void> => {
  const images = async (): Promise<string[]> =>
    (
      await app.kubectl(
        ...['get', 'pods', '-l', 'app.kubernetes.io/component=ai', '--field-selector=status.phase=Running'],
        ...['-o', 'jsonpath={.items[*].spec.containers[?(@.name=="ai")].image}'],
      )
    ).split(' ');
  const degraded = (): Promise<string> => app.kubectl('get', 'chatcluster', 'runnel', '-o', DEGRADED);
  const becomes = (reason: string, deadlineMs: number): Promise<unknown> =>
    waitFor(async () => (await degraded()) === reason, { deadlineMs, everyMs: 500, what: `the ChatCluster to say ${reason}` });
  let good = '';
  await step('a broken image is held by the gate', async () => {
    [good = ''] = await images();
    const people = askers(origin);
    const from = performance.now();
    try {
      await app.kubectl('set', 'image', 'deploy/runnel-ai', `ai=${BROKEN_IMAGE}`);
      await becomes('RolloutHeld', HOLD_MS);
    } finally {
      await people.stop();
    }
    const running = await images();
    if (!running.includes(good)) throw new Error(`all pods have the broken image: ${running.join(' ')}`);
    const message = await app.kubectl('get', 'chatcluster', 'runnel', '-o', DEGRADED.replace('reason', 'message'));
    const { whole, failed } = people.counts;
    return `${((performance.now() - from) / 1_000).toFixed(0)} s after it came, ${whole} answers whole, ${failed} failed; ${message}`;
  });
  await step('a mended template goes on by itself', async () => {
    await app.kubectl('set', 'image', 'deploy/runnel-ai', `ai=${good}`);
    await app.rolledOut('ai');
    await becomes('Whole', WHOLE_MS);
    if ((await images()).some((image) => image !== good)) throw new Error('a pod still has the broken image');
    for (let i = 0; i < AFTERWARDS; i++) {
      const { status, text } = await ask(origin(), 'demo', PROMPT);
      if (status !== 200 || !text.endsWith('w000020')) throw new Error(`answered ${status}: ${text}`);
    }
  });
};
