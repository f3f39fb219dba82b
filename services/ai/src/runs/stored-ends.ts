import { storedEnd } from '@runnel/coordination';
import { withDeadline } from '@runnel/kit';
import { createAskAudit, type AuditDoor } from './ask-audit.ts';
import { lostWait } from './lost-waits.ts';
import type { Archive, Archived } from './end-witness.ts';

export interface StoredEndsOptions extends AuditDoor {
  /** How long a claimed run waits for the answer; its lease must live on. */
  patienceMs?: number;
}

/** An end that nobody tells of in this time is taken for unknown. */
export const PATIENCE_MS = 1_000;
/** The newest page of a conversation, in which the answer that ran last is. */
const NEWEST = 200;

/** Asks the audit service, once, whether a claimed run has ended, or what it waits for. What cannot be asked or read is neither. */
export const createStoredEnds = (options: StoredEndsOptions): Archive => {
  const { patienceMs = PATIENCE_MS } = options;
  const askAudit = createAskAudit(options);
  const ask: Archive = async ({ conversationId }, claim) => {
    const { userId, title, epoch, run } = claim;
    const page = await askAudit({ conversationId, userId, limit: NEWEST }, patienceMs);
    if (typeof page === 'number') return null;
    const parked = lostWait(claim, page);
    return storedEnd({ conversationId, userId, title, epoch, run }, page.messages) ?? (parked && { kind: 'waits', parked });
  };
  // The token may have to be asked for as well.
  return (run, claim) => withDeadline<Archived | null>(ask(run, claim), patienceMs, () => null).catch(() => null);
};
