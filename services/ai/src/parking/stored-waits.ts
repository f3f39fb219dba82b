import { isWaiting } from '@runnel/protocol';
import type { StoredPage } from '@runnel/protocol/http';
import { systemClock, type Clock } from '../runs/clock.ts';
import { createAskAudit, type AuditDoor } from '../runs/ask-audit.ts';

/** What the database should have before a run is let go of. */
export interface Waiting {
  conversationId: string;
  runId: string;
  userId: string;
  epoch: number;
  partIds: readonly string[];
}
/** `has`: it has it; `late`: it answers, and has not heard of it in time; `away`: it did not answer. Never rejects. */
export type StoredAnswer = 'has' | 'late' | 'away';
export type Stored = (waiting: Waiting) => Promise<StoredAnswer>;

export interface StoredWaitsOptions extends AuditDoor {
  onAnswer?(answer: StoredAnswer): void;
  clock?: Clock;
}

/** A person is not kept from deciding for longer by a database that is slow or away. */
export const PATIENCE_MS = 2_000;
export const FIRST_LOOK_MS = 20;
export const LAST_LOOK_MS = 250;

const isThere = ({ parked }: StoredPage, { runId, epoch, partIds }: Waiting): boolean => {
  if (parked?.runId !== runId || parked.epoch < epoch) return false;
  const open = new Set(parked.parts.filter(isWaiting).map(({ partId }) => partId));
  return partIds.every((partId) => open.has(partId));
};

/** Asks the audit service until it has what a run waits for, for two seconds at most. */
export const createStoredWaits = (options: StoredWaitsOptions): Stored => {
  const { onAnswer, clock = systemClock } = options;
  const ask = createAskAudit(options);
  const look = async (waiting: Waiting, leftMs: number): Promise<StoredAnswer> => {
    const page = await ask({ ...waiting, limit: 1 }, leftMs);
    // 404: it has not heard of the conversation.
    if (typeof page === 'number') return page === 404 ? 'late' : 'away';
    return isThere(page, waiting) ? 'has' : 'late';
  };
  return async (waiting) => {
    const until = clock.now() + PATIENCE_MS;
    let answer: StoredAnswer = 'away';
    for (let pause = FIRST_LOOK_MS; answer !== 'has' && clock.now() < until; pause = Math.min(pause * 2, LAST_LOOK_MS)) {
      await clock.sleep(Math.min(pause, until - clock.now()));
      answer = await look(waiting, until - clock.now()).catch((): StoredAnswer => 'away');
    }
    onAnswer?.(answer);
    return answer;
  };
};
