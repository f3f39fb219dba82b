import { hash } from 'node:crypto';
import type { ReadState, RestoreEnd } from '@runnel/coordination';
import { newId, type EndReason, type Message } from '@runnel/protocol';

const ENDS = new Set<string>(['complete', 'cancelled', 'failed', 'interrupted'] satisfies EndReason[]);

/**
 * The end that the database has of an answer which runs here, because the store went back behind it; null when it has none. By its start
 * it is the very run: one of the same name in a conversation that was made again has another. Pure.
 */
export const storedEnd = (
  state: ReadState,
  { conversationId, userId }: { conversationId: string; userId: string },
  messages: readonly Message[],
): RestoreEnd | null => {
  if (state.kind !== 'snapshot' || !state.lossy || state.run === null) return null;
  const { runId, parentId, model, startedAt, epoch } = state.run;
  const row = messages.find(({ messageId, role }) => messageId === runId && role === 'assistant');
  if (!row || !ENDS.has(row.status) || row.createdAt !== startedAt) return null;
  const { text, finish, parts } = row;
  const end = {
    reason: row.status as EndReason,
    bytes: Buffer.byteLength(text),
    sha256: hash('sha256', text, 'hex'),
    ...(finish && { finish }),
    ...(parts && { parts: parts.map((part) => ({ from: part.state, part })) }),
  };
  const run = { runId, parentId, model, startedAt };
  return { conversationId, runId, epoch, ...end, newLogId: newId(), userId, title: state.title, run, text, messages: [] };
};
