import type { AuditData, AuditEventType, OutboxFields } from '@runnel/protocol/audit';
import type { OwnedRun } from './run-ref.ts';

/** When pieces of an answer came, for replay. `batch` counts from 0 for each epoch, `at` is the byte position of the first piece. */
export interface TimelineBatch extends Omit<AuditData['CHUNK_RECEIVED'], keyof OwnedRun>, OwnedRun {
  logId: string;
}

/** The one type that is no state change; its id is `<logId>:t<runId>.<epoch>.<batch>`. */
const TIMELINE_TYPE = 'CHUNK_RECEIVED' satisfies AuditEventType;

/** A timeline batch as an entry. It says nothing of the text. Pure. */
export const timelineFields = (batch: TimelineBatch, now: number): OutboxFields => {
  const { conversationId, logId, ...rest } = batch;
  const data: AuditData[typeof TIMELINE_TYPE] = rest;
  return {
    id: `${logId}:t${batch.runId}.${batch.epoch}.${batch.batch}`,
    type: TIMELINE_TYPE,
    conversation: conversationId,
    time: String(now),
    data: JSON.stringify(data),
    trace: '',
  };
};

/** The data of an event as a command knows it; its user is the conversation's. Of each kind of recovery for itself, too. */
export type WithoutUser<D> = D extends { userId: string } ? Omit<D, 'userId'> : never;

/** Entries per shard past which prompts are refused while a relay is registered; trimming begins at twice that. */
export const DEFAULT_OUTBOX_CAP = 20_000;
