import type { DataSource } from 'typeorm';
import { LIMITS, PAGE_BYTES } from '@runnel/coordination';
import { shownPart, UNLISTED, type Finish, type Message, type Part } from '@runnel/protocol';
import type { ConversationPage, Deletion, FoundMessage, SearchPage, StoredPart } from '@runnel/protocol/http';
import { fromCursor, toCursor } from './cursor.ts';
import { dialectOf, fromStored, Sql, type Value } from '../database/sql.ts';
import { MESSAGE, PRESET, rowOf, SESSION, type MessageRow, type SessionRow } from '../database/tables.ts';
import { excerptOf, LOOKED_AT_CHARS } from './excerpt.ts';
import { isFree } from '../persons/pseudonym.ts';
import { searchQuery, wordsOf } from '../store/search-words.ts';

export type Page =
  | { kind: 'page'; messages: Message[]; hasMore: boolean; title: string; system?: string; model?: string; deleted?: Deletion }
  | { kind: 'none'; deleted?: Deletion }
  | { kind: 'forbidden' };

/** An underscore is any character to LIKE. */
const LISTED = `AND conversation_id NOT LIKE '${UNLISTED.replaceAll('_', '!_')}%' ESCAPE '!'`;

/** Whether something in it waits for a person; what nobody will learn any more, after its run's end, does not. */
const WAITING = `(SELECT count(*) FROM part p LEFT JOIN message m ON m.conversation_id = p.conversation_id AND m.message_id = p.run_id
  WHERE p.conversation_id = chat_session.conversation_id AND p.state IN ('waiting', 'unknown') AND m.message_id IS NULL)`;

/** Retention took all of it, and nothing was done in it since. */
const ENDED = `EXISTS (SELECT 1 FROM text_cut c WHERE c.conversation_id = chat_session.conversation_id AND c.ended = 1
  AND c.position >= chat_session.updated_at * 1000)`;

type Raw = Record<string, unknown>;

/** None beside a text that is gone, whatever the column says. */
const receiptIn = ({ receipt, status }: MessageRow): Pick<Message, 'receipt'> => {
  if (!receipt || status !== 'complete') return {};
  try {
    return { receipt: JSON.parse(receipt) as NonNullable<Message['receipt']> };
  } catch {
    return {};
  }
};

export const toMessage = (row: MessageRow): Message => ({
  messageId: row.messageId,
  parentId: row.parentId,
  role: row.role as Message['role'],
  text: fromStored(row.text),
  status: row.status as Message['status'],
  ...(row.finish !== null && { finish: row.finish as Finish }),
  ...(row.model !== null && { model: row.model }),
  createdAt: row.createdAt,
  ...(row.author !== null && { author: row.author }),
  ...receiptIn(row),
});

export const readBody = (body: unknown): Part[] => {
  try {
    return [JSON.parse(fromStored(String(body))) as Part];
  } catch {
    return [];
  }
};

const COLUMNS = Object.values(MESSAGE)
  .map(([name]) => name)
  .join(', ');
/** Of the text only its beginning: enough to find and show the place. */
const EXCERPTED = Object.values(MESSAGE)
  .map(([name]) => (name === 'text' ? `substr(m.text, 1, ${LOOKED_AT_CHARS}) AS text` : `m.${name}`))
  .join(', ');

/** The ids of those, newest first, that have room in a page. */
const fitting = (sizes: readonly Raw[]): string[] => {
  const ids: string[] = [];
  let bytes = 0;
  for (const row of sizes) {
    bytes += Number(row['bytes']);
    if (ids.length > 0 && bytes > PAGE_BYTES) break;
    ids.push(String(row['message_id']));
  }
  return ids;
};

const deletionOf = ({ deletedLogId: logId, deletedAt: at }: SessionRow): { deleted?: Deletion } =>
  logId !== null && at !== null ? { deleted: { logId, at } } : {};

/** What gateways ask: history, the list of conversations, search. */
export class AuditReader {
  readonly #sql: Sql;

  constructor(database: DataSource) {
    this.#sql = new Sql(dialectOf(database), database);
  }

  /** A page of messages before a message (newest last). */
  async history(query: { conversationId: string; userId: string; before?: string; limit: number }): Promise<Page> {
    const { conversationId, userId, before, limit } = query;
    const session = await this.#session(conversationId);
    if (!session) return { kind: 'none' };
    if (isFree(session)) return { kind: 'none' };
    // Also after its deletion: the id is its owner's.
    if (session.userId !== '' && session.userId !== userId) return { kind: 'forbidden' };
    if (session.deleted === 1) return { kind: 'none', ...(session.userId === userId && deletionOf(session)) };
    const values: Value[] = [conversationId, limit + 1, userId];
    if (before !== undefined) values.push(before);
    const sizes = await this.#sql.query<Raw>(
      `SELECT message_id, ${this.#bytesOf('text')} AS bytes
       FROM message WHERE conversation_id = $1 AND user_id = $3 AND role <> ''
         ${before === undefined ? '' : 'AND (position, message_id) < (SELECT position, message_id FROM message WHERE conversation_id = $1 AND message_id = $4)'}
       ORDER BY position DESC, message_id DESC LIMIT $2`,
      values,
    );
    const chosen = fitting(sizes.slice(0, limit));
    const messages = await this.#messages(conversationId, chosen);
    const preset = (await this.#presetsOf(userId, [conversationId])).get(conversationId);
    const hasMore = sizes.length > chosen.length;
    return {
      kind: 'page',
      messages,
      hasMore,
      title: fromStored(session.title),
      ...preset,
      ...(session.userId === userId && deletionOf(session)),
    };
  }

  /** By conversation; what one has not is absent. */
  async #presetsOf(userId: string, ids: readonly string[]): Promise<Map<string, { system?: string; model?: string }>> {
    const rows = await this.#sql.among<Raw>('SELECT * FROM preset', 'conversation_id', ids);
    const own = rows.map((raw) => rowOf(PRESET, raw)).filter((row) => row.userId === userId);
    return new Map(
      own.map(({ conversationId, system, model }) => [
        conversationId,
        { ...(system && { system: fromStored(system) }), ...(model && { model }) },
      ]),
    );
  }

  /**
   * The thread from its root to a message, as much of its end as a page has room for, and `LIMITS.messages` at most: what a turn below an old
   * message needs. `none` where this person has no such message.
   */
  async thread(query: { conversationId: string; userId: string; messageId: string }): Promise<Page> {
    const { conversationId, userId, messageId } = query;
    const session = await this.#session(conversationId);
    if (!session || session.deleted === 1 || isFree(session)) return { kind: 'none' };
    if (session.userId !== userId) return { kind: 'forbidden' };
    const sizes = await this.#sql.query<Raw>(
      `WITH RECURSIVE thread(message_id, parent_id, bytes, depth) AS (
         SELECT message_id, parent_id, ${this.#bytesOf('text')}, 0 FROM message
           WHERE conversation_id = $1 AND message_id = $2 AND user_id = $3 AND role <> ''
         UNION ALL
         SELECT m.message_id, m.parent_id, ${this.#bytesOf('m.text')}, thread.depth + 1 FROM message m
           JOIN thread ON m.message_id = thread.parent_id
           WHERE m.conversation_id = $1 AND m.user_id = $3 AND m.role <> '' AND thread.depth < $4
       ) SELECT message_id, bytes FROM thread ORDER BY depth`,
      [conversationId, messageId, userId, LIMITS.messages],
    );
    if (sizes.length === 0) return { kind: 'none' };
    const chosen = fitting(sizes.slice(0, LIMITS.messages));
    const messages = await this.#messages(conversationId, chosen);
    const byId = new Map(messages.map((message) => [message.messageId, message]));
    const ordered = chosen.toReversed().flatMap((id) => byId.get(id) ?? []);
    return { kind: 'page', messages: ordered, hasMore: sizes.length > chosen.length, title: fromStored(session.title) };
  }

  #bytesOf(column: string): string {
    return this.#sql.dialect === 'postgres' ? `octet_length(${column})` : `length(CAST(${column} AS BLOB))`;
  }

  /** In order. Asked for by name, so that no text is read that is not answered. */
  async #messages(conversationId: string, ids: readonly string[]): Promise<Message[]> {
    if (ids.length === 0) return [];
    const rows = await this.#sql.query<Raw>(
      `SELECT ${COLUMNS} FROM message WHERE conversation_id = $1 AND message_id IN (${ids.map((_, index) => `$${index + 2}`).join(', ')})
       ORDER BY position, message_id`,
      [conversationId, ...ids],
    );
    const parts = await this.#partsOf(conversationId, ids);
    return rows.map((raw) => {
      const message = toMessage(rowOf(MESSAGE, raw));
      const own = message.status === 'deleted' ? undefined : parts.get(message.messageId);
      return own ? { ...message, parts: own.map(shownPart) } : message;
    });
  }

  /** By message, in order. */
  async #partsOf(conversationId: string, ids: readonly string[]): Promise<Map<string, Part[]>> {
    const rows = await this.#sql.query<Raw>(
      `SELECT run_id, body FROM part WHERE conversation_id = $1 AND run_id IN (${ids.map((_, index) => `$${index + 2}`).join(', ')})
       ORDER BY run_id, ordinal`,
      [conversationId, ...ids],
    );
    const byRun = Map.groupBy(rows, (raw) => String(raw['run_id']));
    return new Map([...byRun].map(([runId, found]) => [runId, found.flatMap((raw) => readBody(raw['body']))]));
  }

  /** A part with all of its content, and the answer it is of; null: there is none, or it is not this person's. */
  async part(query: { conversationId: string; userId: string; partId: string }): Promise<StoredPart | null> {
    const session = await this.#session(query.conversationId);
    if (!session || session.deleted === 1 || session.userId !== query.userId || isFree(session)) return null;
    const rows = await this.#sql.query<Raw>('SELECT run_id, body FROM part WHERE conversation_id = $1 AND part_id = $2', [
      query.conversationId,
      query.partId,
    ]);
    return rows.flatMap((raw) => readBody(raw['body']).map((part) => ({ runId: String(raw['run_id']), part })))[0] ?? null;
  }

  /** Whose a conversation is, or was before its deletion; null: never heard of it. */
  async ownerOf(conversationId: string): Promise<string | null> {
    return (await this.#session(conversationId))?.userId ?? null;
  }

  /** `only`: those of these alone. `all`: also those that programs had and no list shows. */
  async conversations(query: {
    userId: string;
    after?: string;
    limit: number;
    only?: readonly string[];
    all?: boolean;
  }): Promise<ConversationPage> {
    const { userId, after, limit, only = [], all = false } = query;
    const mark = after === undefined ? undefined : await this.#session(after);
    const values: Value[] = [userId, limit + 1];
    if (mark) values.push(mark.updatedAt, mark.conversationId);
    const asked = only.map((_, index) => `$${values.length + index + 1}`).join(', ');
    values.push(...only);
    const found = await this.#sql.query<Raw>(
      `SELECT *, ${WAITING} AS waiting FROM chat_session WHERE user_id = $1 AND deleted = 0 AND NOT ${ENDED} ${all ? '' : LISTED}
         ${mark ? 'AND (updated_at < $3 OR (updated_at = $3 AND conversation_id < $4))' : ''}
         ${asked === '' ? '' : `AND conversation_id IN (${asked})`}
       ORDER BY updated_at DESC, conversation_id DESC LIMIT $2`,
      values,
    );
    const listed = found.slice(0, limit);
    const presets = await this.#presetsOf(
      userId,
      listed.map((raw) => rowOf(SESSION, raw).conversationId),
    );
    const conversations = listed.map((raw) => {
      const { conversationId, title, updatedAt } = rowOf(SESSION, raw);
      const waits = Number(raw['waiting']) > 0;
      return {
        conversationId,
        title: fromStored(title),
        updatedAt,
        ...(waits && { waiting: true as const }),
        ...presets.get(conversationId),
      };
    });
    return { conversations, hasMore: found.length > limit };
  }

  /** The user's messages that hold every word of the query (the last one as a beginning), newest first. */
  async search(query: { userId: string; text: string; after?: string; limit: number }): Promise<SearchPage> {
    const { userId, text, after, limit } = query;
    const words = wordsOf(text);
    if (words.length === 0) return { found: [], next: null };
    const isPostgres = this.#sql.dialect === 'postgres';
    const match = isPostgres ? searchQuery(userId, words) : words.map((w) => `"${w}"`).join(' ') + ' *';
    const values: Value[] = [userId, match, limit + 1];
    if (after !== undefined) values.push(...fromCursor(after, ['number', 'string']));
    const rows = await this.#sql.query<Raw>(
      `SELECT ${EXCERPTED}, s.title AS session_title FROM message m JOIN chat_session s ON s.conversation_id = m.conversation_id
       WHERE m.user_id = $1 AND s.user_id = $1 AND s.deleted = 0 AND m.status <> 'deleted'
         AND ${isPostgres ? 'm.search @@ $2::tsquery' : 'm.id IN (SELECT rowid FROM message_search WHERE message_search MATCH $2)'}
         ${after === undefined ? '' : 'AND (m.position < $4 OR (m.position = $4 AND m.message_id < $5))'}
       ORDER BY m.position DESC, m.message_id DESC LIMIT $3`,
      values,
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const found = page.map((raw): FoundMessage => {
      const row = rowOf(MESSAGE, raw);
      const message = toMessage(row);
      const excerpt = { ...message, text: excerptOf(message.text, words) };
      return { conversationId: row.conversationId, title: fromStored(String(raw['session_title'])), message: excerpt };
    });
    const next = rows.length > limit && last ? toCursor([Number(last['position']), String(last['message_id'])]) : null;
    return { found, next };
  }

  async #session(conversationId: string): Promise<SessionRow | undefined> {
    const [raw] = await this.#sql.query<Raw>('SELECT * FROM chat_session WHERE conversation_id = $1', [conversationId]);
    return raw && rowOf(SESSION, raw);
  }
}
