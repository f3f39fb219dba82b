import { extend, fillsHole, isStored, newHead } from './chain.ts';
import { upsert, type Sql } from '../database/sql.ts';
import { AUDIT, HEAD, LINK, rowOf, type AuditRow, type HeadRow, type LinkRow } from '../database/tables.ts';

type Raw = Record<string, unknown>;

/**
 * Adds to the trail what it lacks and goes on with the chains. Its conversations are locked. Returns the rows that were new, with what
 * else they carry.
 */
export const appendTrail = async <R extends AuditRow>(sql: Sql, given: readonly R[]): Promise<R[]> => {
  const heads = new Map(given.map((row) => [row.logId, newHead(row)]));
  const known = (await sql.among<Raw>('SELECT * FROM audit_head', 'log_id', [...heads.keys()])).map((raw) => rowOf(HEAD, raw));
  for (const head of known) heads.set(head.logId, head);
  const { fresh, placeTaken } = sortOut(given, heads, await storedTimes(sql, heads, given));
  if (fresh.length > 0) {
    await sql.append('audit_log', AUDIT, fresh);
    const { links, moved } = await link(sql, heads, fresh);
    await sql.append('audit_chain', LINK, links);
    const old = new Set(known.map(({ logId }) => logId));
    const [there, lacking] = [moved.filter(({ logId }) => old.has(logId)), moved.filter(({ logId }) => !old.has(logId))];
    await sql.append('audit_head', HEAD, lacking);
    await sql.insert('audit_head', HEAD, there, upsert(HEAD, 'log_id'));
  }
  return placeTaken.length === 0 ? fresh : [...fresh, ...(await appendTrail(sql, placeTaken.map(inItsOwnLog)))];
};

/** When those events happened that may be stored, by their ids. Where a log has holes, its head alone cannot tell. */
const storedTimes = async (sql: Sql, heads: ReadonlyMap<string, HeadRow>, given: readonly AuditRow[]): Promise<Map<string, number>> => {
  const pairs = given
    .filter((row) => isStored(heads.get(row.logId)!, row) !== false)
    .map(({ logId, sequence }) => [logId, sequence] as const);
  const found = (await sql.amongPairs<Raw>('audit_log', ['log_id', 'sequence'], pairs)).map((raw) => rowOf(AUDIT, raw));
  return new Map(found.map(({ eventId, time }) => [eventId, time]));
};

/** What is new, and what is new although its place is taken. The rest is stored, or was and retention took it. Pure. */
const sortOut = <R extends AuditRow>(
  given: readonly R[],
  heads: ReadonlyMap<string, HeadRow>,
  stored: ReadonlyMap<string, number>,
): { fresh: R[]; placeTaken: R[] } => {
  const times = new Map(stored);
  const [fresh, placeTaken]: [R[], R[]] = [[], []];
  for (const row of given) {
    const time = times.get(row.eventId);
    if (time === undefined && isStored(heads.get(row.logId)!, row) !== true) {
      fresh.push(row);
      times.set(row.eventId, row.time);
    } else if (time !== undefined && time !== row.time) placeTaken.push(row);
  }
  return { fresh, placeTaken };
};

/**
 * A Redis that lost the end of a log (a replica that lagged, a backup) gives its places once more; time tells the events apart. The
 * later one gets a log of one event, so that both are in the trail, each once and linked. Pure.
 */
const inItsOwnLog = <R extends AuditRow>(row: R): R => {
  const logId = `${row.logId}~${row.sequence}.${row.time}`;
  return { ...row, logId, sequence: 1, eventId: `${logId}:a1` };
};

/** Goes on with the chains. Links are rows of their own: a row of the trail is never changed. */
const link = async (
  sql: Sql,
  heads: ReadonlyMap<string, HeadRow>,
  fresh: readonly AuditRow[],
): Promise<{ links: LinkRow[]; moved: HeadRow[] }> => {
  const byLog = Map.groupBy(fresh, (row) => row.logId);
  const filled = [...byLog].filter(([logId, rows]) => fillsHole(heads.get(logId)!, rows)).map(([logId]) => logId);
  // The rows that waited for it come with the one that fills the hole.
  const unlinked = 'SELECT a.* FROM audit_head h JOIN audit_log a ON a.log_id = h.log_id AND a.sequence > h.sequence';
  const waited = (await sql.among<Raw>(unlinked, 'h.log_id', filled)).map((raw) => rowOf(AUDIT, raw));
  for (const [logId, rows] of Map.groupBy(waited, (row) => row.logId)) byLog.set(logId, rows);

  const links: LinkRow[] = [];
  const moved: HeadRow[] = [];
  for (const [logId, rows] of byLog) {
    const inOrder = rows.toSorted((a, b) => a.sequence - b.sequence);
    const extended = extend(heads.get(logId)!, inOrder);
    links.push(...extended.links);
    moved.push(extended.head);
  }
  return { links, moved };
};
