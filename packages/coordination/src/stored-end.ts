import type { EndReason, Message } from '@runnel/protocol';
import { digestOf } from './parts.ts';
import type { OwnedRun } from './run-ref.ts';
import type { RestoreEnd } from './run-log/restoring.ts';
import type { RunFacts } from './run-log/stored.ts';

/** A run as a store has it that may have gone back behind its end. */
export interface CopiedRun extends Pick<OwnedRun, 'conversationId' | 'epoch'> {
  userId: string;
  title: string;
  run: RunFacts;
}

const ENDS = new Set<string>(['complete', 'cancelled', 'failed', 'interrupted'] satisfies EndReason[]);

/**
 * The end that the database has of such a run; null when it has none. By its start it is the very run: one of the same name in a
 * conversation that was made again has another. Pure.
 */
export const storedEnd = (
  { conversationId, userId, title, epoch, run: { runId, parentId, model, startedAt } }: CopiedRun,
  messages: readonly Message[],
): Omit<RestoreEnd, 'newLogId'> | null => {
  const row = messages.find(({ messageId, role }) => messageId === runId && role === 'assistant');
  if (!row || !ENDS.has(row.status) || row.createdAt !== startedAt) return null;
  const { text, finish, usage, parts } = row;
  const end = {
    reason: row.status as EndReason,
    bytes: Buffer.byteLength(text),
    sha256: digestOf(text),
    ...(finish && { finish }),
    ...(usage && { usage }),
    ...(parts && { parts: parts.map((part) => ({ from: part.state, part })) }),
  };
  const run = { runId, parentId, model, startedAt };
  return { conversationId, runId, epoch, ...end, userId, title, run, text, messages: [] };
};
