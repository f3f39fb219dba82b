import { createLanes } from '@runnel/events';
import type { AuditEvent } from '@runnel/protocol/audit';
import { isRowsFault } from './ingest.ts';
import { ForeignEvents } from '../store/ownership.ts';

/** Events of one transaction: enough that questions and answers of both topics meet in it, few enough to be short. */
const MOST = 8_000;

export interface GroupWriter {
  /** Resolves when all of them are stored. When it rejects some may be: whoever tries again gives them all again. */
  write(events: readonly AuditEvent[]): Promise<void>;
}

const isContents = (error: unknown): boolean => error instanceof ForeignEvents || isRowsFault(error);

/**
 * One writer for many callers: while a transaction is under way the others' batches are joined into the next (group commit). Callers
 * wait for their own events, so what waits is bounded by how many there are.
 *
 * Each lane has one transaction at a time, so that one lane's events are made ready while the database stores another's.
 * A conversation has one lane, so its events keep their order.
 */
export const createGroupWriter = (
  write: (events: readonly AuditEvent[]) => Promise<unknown>,
  laneOf: (conversationId: string) => number = () => 0,
): GroupWriter => {
  const push = createLanes<AuditEvent>(async (_lane, events) => void (await write(events)), MOST, isContents);
  return {
    async write(events) {
      const lanes = Map.groupBy(events, (event) => laneOf(event.subject));
      await Promise.all([...lanes].map(([lane, part]) => push(String(lane), part)));
    },
  };
};
