import { bytesOf, type ConversationReader } from '@runnel/coordination';
import { RunnelError, type Message } from '@runnel/protocol';
import type { AuditClient } from './audit-client.ts';
import { createAuditHistory } from './audit-history.ts';
import { readHistory } from './history-source.ts';
import { readPart } from './read-part.ts';

export interface Branch {
  title: string;
  /** From the root on, parts with all that was streamed of them. */
  messages: Message[];
  /** UTF-8, about. */
  bytes: number;
}

/** Of a branch, and of what is read to find it. One script writes it, and blocks its store for so long. */
const BRANCH_LIMITS = { messages: 500, bytes: 4 * 1024 * 1024, pages: 50 } as const;
const PAGE = 200;

const tooLong = (): RunnelError =>
  new RunnelError('too-long', `A branch has ${BRANCH_LIMITS.messages} messages and ${BRANCH_LIMITS.bytes / 1024 / 1024} MiB at most.`);

/**
 * The messages from the root to one of them that stands, wherever they are kept.
 *
 * @throws RunnelError `forbidden`, `not-found` (no such message, it was deleted, or an answer that has not ended), `too-long`, `unavailable`
 *   where the store does not have all of it and the database cannot be asked
 */
export const readBranch = async (
  runLog: ConversationReader,
  audit: AuditClient | null,
  { messageId, ...place }: { conversationId: string; userId: string; messageId: string },
): Promise<Branch> => {
  const state = await runLog.readState({ ...place, cursor: null, sure: true });
  if (state.kind === 'forbidden') throw new RunnelError('forbidden');
  if (state.kind !== 'snapshot') throw new RunnelError('not-found');
  const history = audit && createAuditHistory(audit);

  const branch: Message[] = [];
  let bytes = 0;
  const take = async (message: Message): Promise<void> => {
    const parts = [];
    for (const part of message.parts ?? [])
      parts.push(part.truncated ? await readPart(runLog, audit, { ...place, partId: part.partId }) : part);
    const whole = parts.length === 0 ? message : { ...message, parts };
    bytes += Buffer.byteLength(JSON.stringify(whole));
    if (branch.push(whole) > BRANCH_LIMITS.messages || bytes > BRANCH_LIMITS.bytes) throw tooLong();
  };

  let wanted: string | null = messageId;
  let before: string | undefined;
  for (let pages = 0; wanted !== null; pages++) {
    if (pages === BRANCH_LIMITS.pages) throw tooLong();
    const page = await readHistory(runLog, history, { ...place, limit: PAGE, ...(before !== undefined && { before }) });
    if (page.kind === 'forbidden') throw new RunnelError('forbidden');
    const messages = page.kind === 'page' ? page.messages : [];
    const byId = new Map(messages.map((message) => [message.messageId, message]));
    // Parents are always older: what is not on this page is on one before it.
    for (let found = byId.get(wanted); found; found = wanted === null ? undefined : byId.get(wanted)) {
      const message = JSON.parse(bytesOf(found).toString()) as Message;
      if (branch.length === 0 && message.status === 'deleted') throw new RunnelError('not-found');
      byId.delete(message.messageId);
      await take(message);
      wanted = message.parentId;
    }
    before = messages[0]?.messageId;
    if (wanted === null) break;
    if (page.kind === 'page' && page.hasMore && before !== undefined) continue;
    if (page.kind === 'page' && page.hasMore) throw new RunnelError('unavailable', 'Older messages cannot be read just now.');
    throw new RunnelError('not-found');
  }
  return { title: state.title, messages: branch.reverse(), bytes };
};
