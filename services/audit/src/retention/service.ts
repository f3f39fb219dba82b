import { delay, fullJitter, type Closable, type Logger } from '@runnel/kit';
import type { AuditTables } from '../audit-database.ts';
import type { AuditMetrics } from '../metrics.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** A round ends by then, done or not; what is left has a round of its own soon after. */
const ROUND_MS = 60_000;
const SOON_MS = 60_000;
/** Batches that may fail one after the other in a round. */
const ATTEMPTS = 5;

/** Terms in ms; 0: for ever. */
export interface Terms {
  /** The trail, in whole months. */
  retentionMs: number;
  /** What people and models said, in whole days (UTC). */
  messageMs: number;
  /** Figures and timelines of runs. */
  runMs: number;
  /** For so long an event may come late. */
  lateMs: number;
}

export interface RetentionDeps {
  tables: Pick<AuditTables, 'partitions' | 'forgetDigests' | 'cutter' | 'holds'>;
  terms: Terms;
  metrics: Pick<AuditMetrics, 'removed' | 'retentionAge' | 'holds'>;
  log: Logger;
  now?: () => number;
}

/** The beginning of the day a term ago: a conversation is cut once a day at most. Pure. */
export const dayBefore = (now: number, term: number): number => Math.floor((now - term) / DAY_MS) * DAY_MS;

/** A round's batches until nothing is left, or its time is over. Resolves to whether all is done. */
const inBatches = async (batch: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> => {
  const until = performance.now() + ROUND_MS;
  for (let failed = 0; performance.now() < until && !signal.aborted;) {
    const startedAt = performance.now();
    try {
      if (await batch()) return true;
      failed = 0;
    } catch (error) {
      if (++failed >= ATTEMPTS) throw error;
      await delay(fullJitter({ attempt: failed, baseMs: 100, maxMs: 2_000 }), signal);
    }
    // Half of the time is everybody else's.
    await delay(Math.min(1_000, 10 + performance.now() - startedAt), signal);
  }
  return false;
};

/** Removes what is past its time: hourly, and until it is done. */
export const startRetention = ({ tables, terms, metrics, log, now = Date.now }: RetentionDeps): Closable => {
  const stop = new AbortController();
  const hasTerm = terms.retentionMs > 0 || terms.messageMs > 0 || terms.runMs > 0;
  let doneAt = now();

  const texts = async (): Promise<boolean> => {
    const before = dayBefore(now(), terms.messageMs);
    const sum = { messages: 0, conversations: 0 };
    let from = 0;
    const done = await inBatches(async () => {
      const cut = await tables.cutter.texts(before, from, now());
      if (cut === null) return true;
      sum.messages += cut.messages;
      sum.conversations += cut.conversations;
      metrics.removed.inc({ what: 'messages' }, cut.messages);
      metrics.removed.inc({ what: 'conversations' }, cut.conversations);
      // Behind the last message stand those with nothing but a title; a batch of them that changes nothing has all in others' hands.
      const isOver = cut.next === null || (from >= before * 1_000 && cut.conversations === 0);
      from = cut.next ?? from;
      return isOver;
    }, stop.signal);
    if (sum.conversations > 0) {
      await tables.cutter.forgetJournal();
      log.info({ event: 'retention.texts', before, ...sum, done });
    }
    return done;
  };
  const runs = async (): Promise<boolean> => {
    const before = now() - terms.runMs;
    const sum = { runs: 0, timelines: 0 };
    const done = await inBatches(async () => {
      const cut = await tables.cutter.runs(before, now());
      if (cut === null) return true;
      sum.runs += cut.runs;
      sum.timelines += cut.timelines;
      metrics.removed.inc({ what: 'runs' }, cut.runs);
      metrics.removed.inc({ what: 'timelines' }, cut.timelines);
      return cut.runs === 0 && cut.timelines === 0;
    }, stop.signal);
    if (sum.runs + sum.timelines > 0) log.info({ event: 'retention.runs', before, ...sum, done });
    return done;
  };
  const months = async (): Promise<boolean> => {
    // A month is everybody's: none goes while something is held.
    const holds = await tables.holds.count();
    if (holds > 0) {
      log.info({ event: 'retention.held', holds });
      return true;
    }
    const removed = await tables.partitions.retire(now() - terms.retentionMs);
    metrics.removed.inc({ what: 'trail' }, removed);
    if (removed > 0) log.info({ event: 'retention.removed', removed });
    return true;
  };
  /** Each for itself: one that cannot be removed keeps no other. Resolves to whether all is done. */
  const attempt = async (what: string, work: () => Promise<boolean>): Promise<boolean> => {
    try {
      return await work();
    } catch (error) {
      log.warn({ event: 'retention.failed', what, message: error instanceof Error ? error.message : String(error) });
      return false;
    }
  };
  const round = async (): Promise<boolean> => {
    const all = [
      await attempt('digests', async () => void (await tables.forgetDigests(now() - terms.lateMs)) === undefined),
      await attempt('holds', async () => void metrics.holds.set(await tables.holds.count()) === undefined),
      terms.retentionMs === 0 || (await attempt('trail', months)),
      terms.messageMs === 0 || (await attempt('texts', texts)),
      terms.runMs === 0 || (await attempt('runs', runs)),
    ];
    return all.every(Boolean);
  };
  const run = async (): Promise<void> => {
    for (let next = 0; !stop.signal.aborted;) {
      if (performance.now() >= next) {
        const done = await round();
        if (done) doneAt = now();
        next = performance.now() + (done ? HOUR_MS : SOON_MS);
      }
      metrics.retentionAge.set(hasTerm ? Math.max(0, now() - doneAt) / 1_000 : 0);
      await delay(SOON_MS, stop.signal);
    }
  };
  const running = run();
  return {
    name: 'retention',
    async close() {
      stop.abort();
      await running;
    },
  };
};
