import type { DataSource } from 'typeorm';
import { CHAIN_START, linkHash } from './chain.ts';
import { Partitions } from './database/partitions.ts';
import { dialectOf, fromStored, Sql } from './database/sql.ts';
import { AUDIT, HEAD, LINK, MESSAGE, rowOf, type AuditRow, type HeadRow, type LinkRow, type MessageRow } from './database/tables.ts';
import { sha256Of } from './rows.ts';

export interface Verification {
  logs: number;
  events: number;
  texts: number;
  /** One sentence each, with the log and the place; the first 1,000. */
  problems: string[];
  /** Digest over the end of every chain: kept elsewhere, it also proves that no end was cut off. */
  root: string;
}

type Raw = Record<string, unknown>;
type Report = (problem: string) => void;

const MOST_PROBLEMS = 1_000;

/**
 * Proves of the trail that nothing was changed, removed, doubled or moved, and of each text that it is the one whose digest the
 * run ended with. `conversationId` narrows it to one conversation.
 */
export const verify = async (database: DataSource, conversationId?: string): Promise<Verification> => {
  const sql = new Sql(dialectOf(database), database);
  const retired = await new Partitions(database).retiredBefore();
  const result: Verification = { logs: 0, events: 0, texts: 0, problems: [], root: CHAIN_START };
  const report: Report = (problem) => void (result.problems.length < MOST_PROBLEMS && result.problems.push(problem));
  const only = conversationId === undefined ? '' : 'AND conversation_id = $2';
  // One log at a time, by name: memory stays flat whatever the size of the trail.
  for (let after = ''; ;) {
    const [next] = await sql.query<{ log_id: string | null }>(
      `SELECT min(log_id) AS log_id FROM (
         SELECT min(log_id) AS log_id FROM audit_log WHERE log_id > $1 ${only}
         UNION ALL SELECT min(log_id) FROM audit_head WHERE log_id > $1 ${only}) AS logs`,
      conversationId === undefined ? [after] : [after, conversationId],
    );
    if (!next?.log_id) break;
    after = next.log_id;
    result.logs++;
    await verifyLog(sql, after, retired, result, report);
  }
  return result;
};

const verifyLog = async (sql: Sql, logId: string, retired: number, result: Verification, report: Report): Promise<void> => {
  const rows = (await sql.query<Raw>('SELECT * FROM audit_log WHERE log_id = $1 ORDER BY sequence', [logId])).map((raw) =>
    rowOf(AUDIT, raw),
  );
  const links = (await sql.query<Raw>('SELECT * FROM audit_chain WHERE log_id = $1 ORDER BY sequence', [logId])).map((raw) =>
    rowOf(LINK, raw),
  );
  const [rawHead] = await sql.query<Raw>('SELECT * FROM audit_head WHERE log_id = $1', [logId]);
  const head = rawHead && rowOf(HEAD, rawHead);
  for (const problem of checkChain(logId, rows, links, head, retired)) report(problem);
  result.events += rows.length;
  result.root = sha256Of(`${result.root}${logId}${head && head.sequence > 0 ? head.hash : ''}`);
  const messages = new Map<string, MessageRow>();
  const [first] = rows;
  if (!first) return;
  for (const raw of await sql.query<Raw>('SELECT * FROM message WHERE conversation_id = $1', [first.conversationId])) {
    const row = rowOf(MESSAGE, raw);
    messages.set(row.messageId, row);
  }
  for (const row of rows) {
    const checked = checkText(row, messages);
    if (checked === null) continue;
    result.texts++;
    if (checked !== '') report(checked);
  }
};

/** What is wrong with one log's rows and links. Pure. */
export const checkChain = (
  logId: string,
  rows: readonly AuditRow[],
  links: readonly LinkRow[],
  head: HeadRow | undefined,
  retired: number,
): string[] => {
  const problems: string[] = [];
  const bySequence = new Map(links.map((link) => [link.sequence, link]));
  const [first] = rows;
  // What retention took away is gone from the front, and the link before the first row is still here.
  const start = first && first.sequence > 1 && retired > 0 ? bySequence.get(first.sequence - 1) : undefined;
  let sequence = start?.sequence ?? 0;
  let hash = start?.hash ?? CHAIN_START;
  for (const row of rows) {
    if (row.sequence <= sequence) {
      problems.push(`log ${logId}: event ${row.sequence} is there twice`);
      continue;
    }
    for (let missing = sequence + 1; missing < row.sequence && missing - sequence <= 10; missing++)
      problems.push(`log ${logId}: event ${missing} is missing`);
    const link = bySequence.get(row.sequence);
    const isWhole = row.sequence === sequence + 1;
    hash = linkHash(hash, row);
    if (isWhole && !link) problems.push(`log ${logId}: event ${row.sequence} is not linked`);
    if (isWhole && link && link.hash !== hash) problems.push(`log ${logId}: event ${row.sequence} was changed`);
    // One change is one problem: what follows is held against the link that stands.
    if (link) hash = link.hash;
    sequence = row.sequence;
  }
  const end = links.at(-1);
  if (end && rows.length > 0 && end.sequence > sequence) problems.push(`log ${logId}: events after ${sequence} were removed`);
  if (rows.length === 0 && links.length > 0 && retired === 0) problems.push(`log ${logId}: all events were removed`);
  if ((head?.hash ?? CHAIN_START) !== (end?.hash ?? CHAIN_START)) problems.push(`log ${logId}: its chain does not end where it should`);
  return problems;
};

interface Digest {
  bytes: number;
  sha256: string;
}

/** Null: no text to check; '' when it is right; else what is wrong. Pure. */
export const checkText = (row: AuditRow, messages: ReadonlyMap<string, MessageRow>): string | null => {
  const data = JSON.parse(row.data) as { sha256?: string; text?: Digest; message?: { messageId: string; text: Digest } };
  const digest = row.type === 'CHAT_MESSAGE' ? data.message?.text : data.text;
  if (digest === undefined) return null;
  const where = `log ${row.logId}: event ${row.sequence}`;
  if (data.sha256 !== undefined && data.sha256 !== digest.sha256) return `${where}: its text is not the one the run ended with`;
  const message = messages.get(data.message?.messageId ?? row.runId ?? '');
  // Deleted with its conversation, or by itself: the trail tells of that.
  if (!message || message.status === 'deleted') return '';
  return sha256Of(fromStored(message.text)) === digest.sha256 ? '' : `${where}: the stored text was changed`;
};
