import type { Health } from '../health.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { delay } from '../wait.ts';

export interface EvictionWatch {
  /** The store's `maxmemory-policy`; undefined: it does not tell. Rejects when it cannot be asked. */
  ask(): Promise<string | undefined>;
  health: Health;
  metrics: Metrics;
  log: Logger;
  everyMs?: number;
  random?: () => number;
}

/**
 * Says that Redis may throw keys away (every policy but `noeviction`, also before a `maxmemory` is set): conversations would lose
 * messages without an error. In the log at the start and at a change, in `/readyz` as a check that takes nobody out of service, and
 * as `runnel_store_evicts`. What cannot be asked now leaves what was known.
 */
export const watchEviction = async (watch: EvictionWatch, signal: AbortSignal): Promise<void> => {
  const { ask, health, metrics, log, everyMs = 10_000, random = Math.random } = watch;
  const gauge = metrics.gauge('runnel_store_evicts', '1: the policy of Redis throws keys away when it is full; 0: it refuses writes');
  // Zero until it is known would say that all is well.
  gauge.remove();
  let known: string | undefined;
  let toldUnknown = false;
  const evicts = (): boolean => known !== undefined && known !== 'noeviction';
  health.register(
    'redis-eviction',
    () => {
      if (evicts()) throw new Error(`maxmemory-policy is ${known}: set noeviction`);
    },
    { critical: false },
  );
  while (!signal.aborted) {
    const policy = await ask().catch(() => undefined);
    if (policy === undefined) {
      if (!toldUnknown) log.debug({ event: 'store.policy-unknown' });
      toldUnknown = true;
    } else if (policy !== known) {
      known = policy;
      gauge.set(evicts() ? 1 : 0);
      if (evicts()) log.warn({ event: 'store.evicts', policy });
    }
    await delay(everyMs * (1 - random() / 3), signal);
  }
};
