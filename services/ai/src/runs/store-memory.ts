import type { RunLog, StoreMemory } from '@runnel/coordination';
import { systemClock, type Clock } from './clock.ts';

const EVERY_MS = 10_000;

export interface StoreMemoryDeps {
  runLog: Pick<RunLog, 'storeMemory'>;
  show(memory: StoreMemory): void;
  clock?: Clock;
  random?: () => number;
}

/**
 * Shows how full the store is, every ten seconds (up to a third sooner, so that pods do not ask in step) until the signal aborts. What
 * cannot be asked now leaves the last figures: that the store does not answer is told elsewhere. A log without a store is asked once.
 */
export const watchStoreMemory = async (deps: StoreMemoryDeps, signal: AbortSignal): Promise<void> => {
  const { runLog, show, clock = systemClock, random = Math.random } = deps;
  while (!signal.aborted) {
    const memory = await runLog.storeMemory().catch(() => undefined);
    if (memory === null) return;
    if (memory !== undefined) show(memory);
    await clock.sleep(EVERY_MS * (1 - random() / 3), signal);
  }
};
