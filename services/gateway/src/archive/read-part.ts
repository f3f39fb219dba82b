import { digestOf, type LogEntry, type ReadState, type ConversationReader } from '@runnel/coordination';
import { RunnelError, sealOf, withChunk, withPart, type LogEvent, type Part } from '@runnel/protocol';
import { StoredPart } from '@runnel/protocol/http';
import type { AuditClient } from './audit-client.ts';
import { askAudit } from './audit-ask.ts';
import { findMessage } from './find-message.ts';

export interface PartQuery {
  conversationId: string;
  userId: string;
  partId: string;
}
type Store = ConversationReader;
type Snapshot = Extract<ReadState, { kind: 'snapshot' }>;

/** The database is told of an end in less than a second when nothing is wrong. */
const RETRY_AFTER_MS = 1_000;

/** A part of the running answer or of one of the newest messages, as the store has it. Pure. */
const partIn = ({ run, messages }: Snapshot, partId: string): { runId: string; part: Part } | undefined => {
  const answers = [...(run ? [{ messageId: run.runId, parts: run.parts }] : []), ...messages];
  for (const { messageId: runId, parts } of answers) {
    const part = parts?.find((each) => each.partId === partId);
    if (part) return { runId, part };
  }
  return undefined;
};

/** A part as the events of a log make it; undefined where they do not have all of it, by its own digest. Pure. */
const partOf = (entries: readonly LogEntry[], runId: string, known: Part): Part | undefined => {
  let held: readonly Part[] = [];
  for (const { json } of entries) {
    const event = JSON.parse(json) as LogEvent;
    if ((event.type !== 'part' && event.type !== 'part-chunk') || event.runId !== runId) continue;
    if ((event.type === 'part' ? event.part.partId : event.partId) !== known.partId) continue;
    // Alone in its list, it is the first.
    const next = event.type === 'part' ? withPart(held, { ...event.part, index: 0 }) : withChunk(held, event);
    held = next ?? held;
  }
  const [part] = held;
  if (!part || part.sha256 === undefined) return undefined;
  const { bytes, sha256 } = sealOf(part, digestOf);
  return bytes === known.bytes && sha256 === known.sha256 ? { ...part, index: known.index } : undefined;
};

/** A log keeps its events for a minute after an end. */
const fromLog = async (runLog: Store, { conversationId, userId }: PartQuery, logId: string, runId: string, known: Part) => {
  const tail = await runLog.readState({ conversationId, userId, cursor: { logId, offset: 0 }, reach: 'far' });
  return tail.kind === 'tail' ? partOf(tail.entries, runId, known) : undefined;
};

const fromDatabase = async (audit: AuditClient | null, { conversationId, userId, partId }: PartQuery): Promise<StoredPart | null> => {
  if (audit === null) return null;
  try {
    return await askAudit(audit, StoredPart, `/parts/${conversationId}/${partId}`, {}, userId);
  } catch (error) {
    if (error instanceof RunnelError && error.code === 'not-found') return null;
    throw error;
  }
};

/**
 * A part with all that was streamed of it. The store knows whose the conversation is and what was deleted; what it has cut is in the
 * database, and until that has heard of it in the log.
 *
 * @throws RunnelError `forbidden`, `not-found`, `unavailable` when it exists and nobody here can tell all of it now
 */
export const readPart = async (runLog: Store, audit: AuditClient | null, query: PartQuery): Promise<Part> => {
  const { conversationId, userId, partId } = query;
  const state = await runLog.readState({ conversationId, userId, cursor: null });
  if (state.kind === 'forbidden') throw new RunnelError('forbidden');
  const found = state.kind === 'snapshot' ? partIn(state, partId) : undefined;
  if (found && !found.part.truncated) return found.part;
  if (state.kind !== 'snapshot') {
    const page = await runLog.readHistory({ conversationId, userId, limit: 1 });
    if (page.kind === 'forbidden') throw new RunnelError('forbidden');
    // The database may still have what its owner deleted.
    if (page.kind === 'none' && page.deleted) throw new RunnelError('not-found');
  }
  const stored = await fromDatabase(audit, query).catch((error: unknown) => {
    if (!found) throw error;
    return null;
  });
  if (stored) {
    const message = found ? undefined : await findMessage(runLog, { conversationId, userId }, stored.runId);
    if (message?.status === 'deleted') throw new RunnelError('not-found');
    return stored.part;
  }
  if (!found) throw new RunnelError('not-found', 'There is no such part.');
  const told = await fromLog(runLog, query, (state as Snapshot).logId, found.runId, found.part);
  if (told) return told;
  throw new RunnelError('unavailable', 'The rest of this part is on its way to the database; try again.', { retryAfterMs: RETRY_AFTER_MS });
};
