import type { StoreMemory } from '@runnel/coordination';
import { createMetrics } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { createAiMetrics } from '../metrics.ts';
import { watchStoreMemory } from './store-memory.ts';

/** Answers one after the other; the watch is stopped while it sleeps after the last one. */
const watch = async (answers: (StoreMemory | null | Error)[]) => {
  const stop = new AbortController();
  const shown: StoreMemory[] = [];
  const slept: number[] = [];
  let asked = 0;
  const runLog = {
    async storeMemory() {
      const answer = answers[asked++]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const clock = {
    now: () => 0,
    wall: () => 0,
    async sleep(ms: number) {
      slept.push(ms);
      if (asked === answers.length) stop.abort();
    },
  };
  await watchStoreMemory({ runLog, show: (memory) => shown.push(memory), clock, random: () => 0 }, stop.signal);
  return { shown, slept, asked };
};

const holding = (usedBytes: number): StoreMemory => ({ usedBytes, limitBytes: 100 });

test('the store is asked at once and every ten seconds; what is refused is passed over; it stops when told', async () => {
  const { shown, slept } = await watch([holding(1), new RunnelError('unavailable'), holding(2)]);
  expect(shown).toEqual([holding(1), holding(2)]);
  expect(slept).toEqual([10_000, 10_000, 10_000]);
});

test('a log without a store is not asked again', async () => {
  expect(await watch([null, holding(1)])).toEqual({ shown: [], slept: [], asked: 1 });
});

test('before the store has answered there is no figure, rather than an empty store', async () => {
  const metrics = createMetrics('ai', { processMetrics: false });
  const { storeMemory } = createAiMetrics(metrics);
  const lines = async (): Promise<string[]> => (await metrics.text()).split('\n').filter((line) => line.startsWith('runnel_store_memory'));
  expect(await lines()).toEqual([]);
  storeMemory({ usedBytes: 7, limitBytes: 0 });
  expect(await lines()).toEqual(['runnel_store_memory_bytes{service="ai"} 7', 'runnel_store_memory_limit_bytes{service="ai"} 0']);
});
