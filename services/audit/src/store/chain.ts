import { hash } from 'node:crypto';
import type { AuditRow, HeadRow, LinkRow } from '../database/tables.ts';

export const CHAIN_START = '0'.repeat(64);

/** One link: the digest of the row's content and of the link before it. Lines cannot be moved from one field into another. */
export const linkHash = (previousHash: string, row: AuditRow): string =>
  hash('sha256', JSON.stringify([previousHash, row.eventId, row.time, row.conversationId, row.type, row.userId, row.runId, row.data]));

/** Where a log begins. */
export const newHead = ({ logId, conversationId }: Pick<AuditRow, 'logId' | 'conversationId'>): HeadRow => ({
  ...{ logId, conversationId, sequence: 0, hash: CHAIN_START, seen: 0 },
});

/**
 * Whether an event is stored, as far as its log's head tells: all up to the newest link are, none above the highest one seen is. In
 * between, where holes are, only the trail knows. Pure.
 */
export const isStored = ({ sequence, seen }: HeadRow, event: Pick<AuditRow, 'sequence'>): boolean | 'ask' => {
  if (event.sequence <= sequence) return true;
  return event.sequence > seen ? false : 'ask';
};

/** Whether these rows close the hole that stored ones wait behind. Pure. */
export const fillsHole = ({ sequence, seen }: HeadRow, rows: readonly AuditRow[]): boolean =>
  seen > sequence && rows.some((row) => row.sequence === sequence + 1);

/** Goes on with the chain of one log as far as its rows are here without a hole. Rows come in the order of `sequence`. Pure. */
export const extend = (head: HeadRow, rows: readonly AuditRow[]): { head: HeadRow; links: LinkRow[] } => {
  const links: LinkRow[] = [];
  let { sequence, hash: end } = head;
  for (const row of rows) {
    if (row.sequence !== sequence + 1) break;
    sequence = row.sequence;
    end = linkHash(end, row);
    links.push({ logId: row.logId, sequence, eventId: row.eventId, hash: end });
  }
  return { head: { ...head, sequence, hash: end, seen: Math.max(head.seen, rows.at(-1)?.sequence ?? 0) }, links };
};
