import type { Sql } from '../database/sql.ts';
import { TEXT_CUT, type TextCutRow } from '../database/retention-tables.ts';
import { digestOfCuts, type TextsCutNote } from '../proof/text-cuts.ts';
import { appendAct, nextAct } from '../read/admin-log.ts';
import { notHeld } from './not-held.ts';

/** Messages that are looked at, that go, and conversations without any that lose their titles, in one transaction. */
const BATCH = {
  postgres: { looked: 1_000, most: 2_000, titles: 500 },
  // In the process's own loop, where answers stand still meanwhile.
  sqlite: { looked: 100, most: 200, titles: 50 },
} as const;

export interface TextsCut {
  messages: number;
  conversations: number;
  /** Where the next batch goes on; null: nothing is left to look at. */
  next: number | null;
}

const NOTHING: TextsCut = { messages: 0, conversations: 0, next: null };

interface Found {
  conversation_id: string;
  message_id: string;
  position: string | number;
}

/** Conversations with something that is past its time. */
const candidates = async (sql: Sql, before: number, from: number): Promise<{ ids: string[]; next: number | null }> => {
  const found = await sql.query<Found>(
    `SELECT conversation_id, position FROM message WHERE position >= $1 AND position < $2 AND ${notHeld('message')}
     ORDER BY position LIMIT ${BATCH[sql.dialect].looked}`,
    [from, before * 1_000],
  );
  if (found.length > 0) return { ids: [...new Set(found.map((row) => row.conversation_id))], next: Number(found.at(-1)!.position) + 1 };
  const bare = await sql.query<Found>(
    `SELECT conversation_id FROM chat_session WHERE updated_at < $1 AND title <> '' AND ${notHeld('chat_session')} LIMIT ${BATCH[sql.dialect].titles}`,
    [before],
  );
  const parked = await sql.query<Found>(
    `SELECT conversation_id FROM parked WHERE position < $1 AND ${notHeld('parked')} LIMIT ${BATCH[sql.dialect].titles}`,
    [before * 1_000],
  );
  const ids = [...new Set([...bare, ...parked].map((row) => row.conversation_id))];
  return { ids, next: ids.length > 0 ? before * 1_000 : null };
};

const places = (count: number, from = 1): string => Array.from({ length: count }, (_, i) => `$${i + from}`).join(', ');

/** Those of them that no writer has in hand and nobody holds: whoever cuts waits for nobody, so that no two wait for each other. */
const free = async (sql: Sql, ids: readonly string[]): Promise<string[]> => {
  const known = await sql.among<Found>('SELECT conversation_id FROM chat_session', 'conversation_id', ids);
  const got = await sql.query<Found>(
    `SELECT conversation_id FROM chat_session WHERE conversation_id IN (${places(ids.length)}) AND ${notHeld('chat_session')}
     ${sql.dialect === 'postgres' ? 'FOR UPDATE SKIP LOCKED' : ''}`,
    ids,
  );
  const [there, mine] = [known, got].map((rows) => new Set(rows.map((row) => row.conversation_id)));
  return ids.filter((id) => mine!.has(id) || !there!.has(id));
};

/** The oldest of these conversations' messages, up to as many as one transaction takes. */
const removeMessages = async (sql: Sql, ids: readonly string[], before: number): Promise<Found[]> => {
  const old = await sql.query<Found>(
    `SELECT conversation_id, message_id, position FROM message WHERE conversation_id IN (${places(ids.length, 2)}) AND position < $1
     ORDER BY position LIMIT ${BATCH[sql.dialect].most}${sql.dialect === 'postgres' ? ' FOR UPDATE SKIP LOCKED' : ''}`,
    [before * 1_000, ...ids],
  );
  const pairs = old.map((row) => [row.conversation_id, row.message_id] as const);
  if (sql.dialect === 'sqlite')
    for (const pair of pairs)
      await sql.query(
        'DELETE FROM message_search WHERE rowid IN (SELECT id FROM message WHERE conversation_id = $1 AND message_id = $2)',
        pair,
      );
  await sql.removePairs('message', ['conversation_id', 'message_id'], pairs);
  return old;
};

/** What hangs on messages that are gone; returns the conversations of which nothing is left, with their last change (ms). */
const removeRest = async (sql: Sql, ids: readonly string[], before: number): Promise<Map<string, number>> => {
  const of = `conversation_id IN (${places(ids.length, 2)})`;
  const values = [before * 1_000, ...ids];
  await sql.query(`DELETE FROM parked WHERE ${of} AND position < $1`, values);
  await sql.query(
    `DELETE FROM part WHERE ${of} AND position < $1
       AND NOT EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = part.conversation_id AND m.message_id = part.run_id)
       AND NOT EXISTS (SELECT 1 FROM parked q WHERE q.conversation_id = part.conversation_id AND q.run_id = part.run_id)`,
    values,
  );
  const bare = await sql.query<{ conversation_id: string; updated_at: string | number }>(
    `SELECT conversation_id, updated_at FROM chat_session WHERE ${of} AND updated_at < $1 AND deleted = 0
       AND NOT EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = chat_session.conversation_id)`,
    [before, ...ids],
  );
  const ended = new Map(bare.map((row) => [row.conversation_id, Number(row.updated_at)]));
  if (ended.size > 0) {
    await sql.query(`UPDATE chat_session SET title = '' WHERE conversation_id IN (${places(ended.size)})`, [...ended.keys()]);
    await sql.query(`DELETE FROM preset WHERE conversation_id IN (${places(ended.size)})`, [...ended.keys()]);
  }
  return ended;
};

/** @throws Error when one of them is held since this transaction began: it is undone */
const refuseHeld = async (sql: Sql, ids: readonly string[]): Promise<void> => {
  const [held] = await sql.query(
    `SELECT 1 FROM legal_hold h WHERE h.kind = 'conversation' AND h.subject IN (${places(ids.length)})
     UNION ALL SELECT 1 FROM legal_hold h JOIN chat_session s ON s.user_id = h.subject WHERE h.kind = 'user' AND s.conversation_id IN (${places(ids.length)}) LIMIT 1`,
    ids,
  );
  if (held !== undefined) throw new Error('something of this batch is held since it began: it is tried again');
};

/**
 * Takes a batch of what was said before a time out of the tables that people read, and says so in the trail, which keeps the digests. In a
 * transaction; today's month is there.
 *
 * @param before ms
 * @param from position where the batch before ended
 */
export const cutTexts = async (sql: Sql, { before, from, now }: { before: number; from: number; now: number }): Promise<TextsCut> => {
  const { ids: found, next } = await candidates(sql, before, from);
  if (found.length === 0) return NOTHING;
  const ids = await free(sql, found);
  if (ids.length === 0) return { ...NOTHING, next };
  const removed = await removeMessages(sql, ids, before);
  const ended = await removeRest(sql, ids, before);
  const upTo = new Map<string, number>();
  for (const row of removed) upTo.set(row.conversation_id, Math.max(upTo.get(row.conversation_id) ?? 0, Number(row.position)));
  for (const [id, updatedAt] of ended) upTo.set(id, Math.max(upTo.get(id) ?? 0, updatedAt * 1_000 + 999));
  if (upTo.size === 0) return { ...NOTHING, next };
  // Last, since writers wait for it; from here on nobody sets a hold until this is done.
  const act = await nextAct(sql);
  await refuseHeld(sql, ids);
  const rows = [...upTo].map(([conversationId, position]): TextCutRow => ({
    conversationId,
    act,
    position,
    ended: ended.has(conversationId) ? 1 : 0,
  }));
  await sql.insert('text_cut', TEXT_CUT, rows);
  const note: TextsCutNote = { before, conversations: rows.length, messages: removed.length, sha256: digestOfCuts(rows) };
  await appendAct(sql, act, { type: 'TEXTS_CUT', userId: null, data: note, time: now });
  // Of a conversation with more than fits, the rest is found again from where this one began.
  return { messages: removed.length, conversations: rows.length, next: removed.length === BATCH[sql.dialect].most ? from : next };
};
