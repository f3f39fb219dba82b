import { onTestFinished, vi } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { createMetrics } from '@runnel/kit';
import type { Cursor } from '@runnel/protocol';
import type { Follow } from '../src/follow/follower.ts';
import { gatewayMetrics } from '../src/metrics.ts';
import { createHub, type Hub } from '../src/follow/hub.ts';
import { faultyLog, type FaultyLog } from './faulty-log.ts';
import { Screen } from './screen.ts';
import { TestOwner } from './test-owner.ts';

/** The one conversation of these tests. */
export const C = 'c1';

export interface TestHub {
  log: FaultyLog;
  hub: Hub;
  /** Claims what `begin` starts. */
  owner: TestOwner;
  /** Lets this much of the clock pass, and all that follows from it happen. */
  pass(ms?: number): Promise<void>;
  /** Run `r<n>` for message `m<n>`. */
  begin(n?: number): Promise<void>;
  follow(screen?: Screen, cursor?: Cursor | null, userId?: string): { screen: Screen; handle: Follow };
}

/** A hub over a memory log that the test can break. The clock must be faked. */
export const makeHub = (now?: () => number): TestHub => {
  const log = faultyLog(createMemoryRunLog(now ? { now } : {}));
  const metrics = gatewayMetrics(createMetrics('gateway', { processMetrics: false }));
  const hub = createHub({ runLog: log, metrics, random: () => 0.5 });
  const owner = new TestOwner(log);
  return {
    log,
    hub,
    owner,
    pass: (ms = 0) => vi.advanceTimersByTimeAsync(ms).then(() => new Promise<void>((resolve) => setImmediate(resolve))),
    async begin(n = 1) {
      const message = { messageId: `m${n}`, text: 'hi' };
      await log.beginRun({ conversationId: C, userId: 'ann', runId: `r${n}`, model: 'default', message, title: 'hi' });
      await owner.claim({ conversationId: C, runId: `r${n}` });
    },
    follow(screen = new Screen(C), cursor = null, userId = 'ann') {
      return { screen, handle: hub.follow({ conversationId: C, userId, cursor, sink: screen }) };
    },
  };
};

/** Until the end of the test, the clock is the test's. */
export const fakeClock = (): void => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  onTestFinished(() => void vi.useRealTimers());
};

/** A hub, and a faked clock, that end with the test. */
export const startHub = (): TestHub => {
  fakeClock();
  const made = makeHub();
  onTestFinished(() => made.hub.close());
  return made;
};
