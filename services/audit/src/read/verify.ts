import type { DataSource } from 'typeorm';
import type { Digest, TrailFields } from '@runnel/protocol/audit';
import type { Verification } from '@runnel/protocol/http';
import { CHAIN_START } from '../store/chain.ts';
import { monthOf, Partitions } from '../database/partitions.ts';
import { dialectOf, Sql } from '../database/sql.ts';
import { AUDIT, CUT, HEAD, LINK, MESSAGE, REDACTED, rowOf, RUN, SESSION, type AuditRow, type HeadRow } from '../database/tables.ts';
import { checkChain, type Log } from '../proof/check-chain.ts';
import { checkMessages } from '../proof/check-messages.ts';
import { checkRuns } from '../proof/check-runs.ts';
import { checkSession } from '../proof/check-session.ts';
import { checkCuts } from '../proof/cuts.ts';
import { checkHolds } from '../proof/check-holds.ts';
import { checkTextCuts } from '../proof/text-cuts.ts';
import { TEXT_CUT } from '../database/retention-tables.ts';
import { checkNames, checkPersons, cutOf } from '../proof/check-persons.ts';
import { personsOf } from '../persons/names.ts';
import { renameRow } from '../persons/pseudonym.ts';
import { rootOfAll } from '../proof/heads.ts';
import { rootOf } from '../proof/merkle.ts';
import { inSnapshot } from '../proof/snapshot.ts';
import { toldBy } from '../proof/told.ts';

type Raw = Record<string, unknown>;

const MOST_PROBLEMS = 1_000;
const PAGE = 200;
/** Every table that names a conversation: a row that nothing tells of is found from its own side. */
const NAMING = ['audit_log', 'audit_head', 'chat_session', 'message', 'run'];

/**
 * Proves of the trail that nothing was changed, removed, doubled or moved, and of the tables that people read that each row is what
 * the trail tells, and that none lacks or is too much. `conversationId` narrows it to one conversation.
 */
export const verify = async (database: DataSource, conversationId?: string, now = Date.now()): Promise<Verification> => {
  const result: Verification = { logs: 0, events: 0, texts: 0, problems: [], root: CHAIN_START };
  const report = (problem: string): void => void (result.problems.length < MOST_PROBLEMS && result.problems.push(problem));
  const marked = await new Partitions(database).retiredBefore();
  const isMonth = marked === 0 || (monthOf(marked).from === marked && marked <= now);
  if (!isMonth) report(`what retention is said to have removed (${marked}) is no month that has passed`);
  const retired = isMonth ? marked : 0;
  const [cuts, holds] = await inSnapshot(database, async (sql) => {
    const cut = await cutOf(sql, retired);
    return [
      await checkTextCuts(sql, cut, conversationId === undefined ? undefined : await actsOn(sql, conversationId)),
      await checkHolds(sql, cut),
    ];
  });
  for (const problem of [...cuts.problems, ...holds]) report(problem);
  const one = async (id: string): Promise<HeadRow[]> => {
    const found = await readConversation(database, id);
    for (const problem of checkConversation(found, { retired, now, wrong: cuts.wrong })) report(problem);
    result.logs += found.logs.length;
    result.events += found.trail.length;
    result.texts += found.trail.filter((row) => digestOf(row) !== undefined).length;
    return found.logs.flatMap(({ head }) => head ?? []);
  };
  if (conversationId !== undefined) {
    result.root = rootOf(await one(conversationId));
    return result;
  }
  result.root = await rootOfAll(database);
  // One conversation at a time: memory stays flat whatever the size of the trail.
  for (let page = await conversationsAfter(database, ''); page.length > 0; page = await conversationsAfter(database, page.at(-1)!)) {
    for (const id of page) await one(id);
  }
  for (const problem of await checkPersons(database, { retired })) report(problem);
  for (const problem of await inSnapshot(database, checkCuts)) report(problem);
  for (const logId of await orphanLinks(database)) report(`log ${logId}: its events and its head were removed`);
  return result;
};

/** The acts of retention that cut a conversation. */
const actsOn = async (sql: Sql, conversationId: string): Promise<number[]> =>
  (await sql.query<Raw>('SELECT act FROM text_cut WHERE conversation_id = $1', [conversationId])).map(({ act }) => Number(act));

const conversationsAfter = async (database: DataSource, after: string): Promise<string[]> => {
  const sql = new Sql(dialectOf(database), database);
  const parts = NAMING.map(
    (table) =>
      `SELECT * FROM (SELECT DISTINCT conversation_id FROM ${table} WHERE conversation_id > $1 ORDER BY conversation_id LIMIT ${PAGE}) AS of_${table}`,
  );
  const found = await sql.query<{ conversation_id: string }>(
    `SELECT conversation_id FROM (${parts.join(' UNION ')}) AS named ORDER BY conversation_id LIMIT ${PAGE}`,
    [after],
  );
  return found.map((raw) => raw.conversation_id);
};

const orphanLinks = async (database: DataSource): Promise<string[]> => {
  const sql = new Sql(dialectOf(database), database);
  const found = await sql.query<{ log_id: string }>(
    `SELECT DISTINCT log_id FROM (SELECT log_id FROM audit_chain UNION SELECT log_id FROM audit_cut) c WHERE NOT EXISTS (SELECT 1 FROM audit_head h WHERE h.log_id = c.log_id)
       AND NOT EXISTS (SELECT 1 FROM audit_log a WHERE a.log_id = c.log_id) LIMIT ${MOST_PROBLEMS}`,
  );
  return found.map((raw) => raw.log_id);
};

/** All that the database holds of a conversation, of one moment. */
const readConversation = (database: DataSource, conversationId: string) =>
  inSnapshot(database, async (sql) => {
    const of = (table: string): Promise<Raw[]> => sql.query<Raw>(`SELECT * FROM ${table} WHERE conversation_id = $1`, [conversationId]);
    const trail = (await of('audit_log')).map((raw) => rowOf(AUDIT, raw)).toSorted((a, b) => a.time - b.time || a.sequence - b.sequence);
    const named = (await of('audit_head')).map((raw) => rowOf(HEAD, raw));
    const logIds = [...new Set([...trail, ...named].map(({ logId }) => logId))];
    const others = logIds.filter((logId) => !named.some((head) => head.logId === logId));
    const heads = [...named, ...(await sql.among<Raw>('SELECT * FROM audit_head', 'log_id', others)).map((raw) => rowOf(HEAD, raw))];
    const links = (await sql.among<Raw>('SELECT * FROM audit_chain', 'log_id', logIds)).map((raw) => rowOf(LINK, raw));
    const cuts = (await sql.among<Raw>('SELECT * FROM audit_cut', 'log_id', logIds)).map((raw) => rowOf(CUT, raw));
    const redacted = (await sql.among<Raw>('SELECT * FROM audit_redacted', 'log_id', logIds)).map((raw) => rowOf(REDACTED, raw));
    const persons = await personsOf(sql, trail);
    const logs = logIds.map((logId): Log => ({
      logId,
      rows: trail.filter((row) => row.logId === logId).toSorted((a, b) => a.sequence - b.sequence),
      links: links.filter((link) => link.logId === logId).toSorted((a, b) => a.sequence - b.sequence),
      head: heads.find((head) => head.logId === logId),
      cut: cuts.find((cut) => cut.logId === logId),
      // Of two redactions the later one counts.
      redacted: new Map(
        redacted
          .filter((row) => row.logId === logId)
          .toSorted((a, b) => a.act - b.act)
          .map(({ sequence, hash }) => [sequence, hash]),
      ),
    }));
    const [session] = (await of('chat_session')).map((raw) => rowOf(SESSION, raw));
    const messages = (await of('message')).map((raw) => rowOf(MESSAGE, raw));
    const runs = (await of('run')).map((raw) => rowOf(RUN, raw));
    const textCuts = (await of('text_cut')).map((raw) => rowOf(TEXT_CUT, raw));
    return { conversationId, trail, logs, persons, session, messages, runs, textCuts };
  });

type Conversation = Awaited<ReturnType<typeof readConversation>>;

/** What is wrong with one conversation. Pure. */
const checkConversation = (found: Conversation, around: { retired: number; now: number; wrong: ReadonlySet<number> }): string[] => {
  const { conversationId, trail, logs, persons, session, messages, runs } = found;
  const chains = logs.map((log) => checkChain(log, around));
  const isUnderWay = chains.some(({ hasHole }) => hasHole);
  const isComplete = around.retired === 0 || logs.every(({ rows }) => rows[0]?.sequence === 1);
  const told = toldBy(trail.map((row) => renameRow(row, (name) => persons.get(name)?.userId ?? name)));
  const times = new Set(trail.map(({ time }) => time));
  const facts = { conversationId, told };
  const logIds = new Set(logs.map(({ logId }) => logId));
  const cuts = found.textCuts.filter(({ act }) => !around.wrong.has(act));
  const cutTo = Math.max(0, ...cuts.map(({ position }) => position));
  const isEnded = cuts.some(({ ended }) => ended === 1);
  return [
    ...chains.flatMap(({ problems }) => problems),
    ...logs.flatMap(({ logId, head }) =>
      head && head.conversationId !== conversationId ? [`log ${logId} is another conversation's`] : [],
    ),
    ...checkNames(conversationId, trail, persons),
    ...trail.flatMap(checkEnd),
    ...(isUnderWay ? [] : checkSession({ ...facts, times, logIds, row: session, isComplete, retired: around.retired, isEnded })),
    ...checkMessages({ ...facts, rows: messages, userId: session?.userId, retired: around.retired, isUnderWay, cutTo }),
    ...checkRuns(conversationId, trail, runs, { isComplete, now: around.now }),
  ];
};

const dataOf = (row: AuditRow): TrailFields => {
  try {
    return JSON.parse(row.data) as TrailFields;
  } catch {
    return {};
  }
};

/** Of the text an event brought. */
const digestOf = (row: AuditRow): Digest | undefined => {
  const data = dataOf(row);
  return row.type === 'CHAT_MESSAGE' ? data.message?.text : data.text;
};

const checkEnd = (row: AuditRow): string[] => {
  const { sha256, text } = dataOf(row);
  const isOther = sha256 !== undefined && text !== undefined && sha256 !== text.sha256;
  return isOther ? [`log ${row.logId}: event ${row.sequence}: its text is not the one the run ended with`] : [];
};
