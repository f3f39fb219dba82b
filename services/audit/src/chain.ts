import { createHash } from 'node:crypto';
import type { AuditRow, HeadRow, LinkRow } from './database/tables.ts';

export const CHAIN_START = '0'.repeat(64);

/** One link: the digest of the row's content and of the link before it. Lines cannot be moved from one field into another. */
export const linkHash = (previousHash: string, row: AuditRow): string =>
  createHash('sha256')
    .update(JSON.stringify([previousHash, row.eventId, row.time, row.conversationId, row.type, row.userId, row.runId, row.data]))
    .digest('hex');

/** Goes on with the chain of one log as far as its rows are here without a hole. Rows come in the order of `sequence`. Pure. */
export const extend = (head: HeadRow | undefined, rows: readonly AuditRow[]): { head: HeadRow | undefined; links: LinkRow[] } => {
  const links: LinkRow[] = [];
  let end = head;
  for (const row of rows) {
    if (row.sequence !== (end?.sequence ?? 0) + 1) break;
    const { logId, conversationId, sequence, eventId } = row;
    const hash = linkHash(end?.hash ?? CHAIN_START, row);
    links.push({ logId, sequence, eventId, hash });
    end = { logId, conversationId, sequence, hash };
  }
  return { head: end, links };
};
