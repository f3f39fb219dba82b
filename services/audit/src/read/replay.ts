import type { DataSource } from 'typeorm';
import type { TrailFields } from '@runnel/protocol/audit';
import { shownPart, type Part } from '@runnel/protocol';
import type { Marker, Piece, Replay, ReplayedPart } from '@runnel/protocol/http';
import { dialectOf, Sql } from '../database/sql.ts';
import { AUDIT, MESSAGE, rowOf, type AuditRow } from '../database/tables.ts';
import { TIMELINE } from '../database/timeline-table.ts';
import { toStretch, withoutRepeats, type Stretch } from '../store/pack-timeline.ts';
import { readBody, toMessage } from './reader.ts';

/**
 * The pieces that the text which stands is made of. A restarted answer begins again at byte 0 with a higher epoch: the newest
 * account of a byte counts. Bytes that no batch tells of are one piece, marked. Pure.
 *
 * @param endMs when the run ended, since its start
 */
const piecesOf = (batches: readonly Stretch[], length: number, startedAt: number, endMs: number): Piece[] => {
  const told: Piece[] = [];
  // From the newest back, as far as the older one was not written over.
  let until = length;
  for (const batch of withoutRepeats(batches).reverse()) {
    if (batch.at >= until) continue;
    const pieces: Piece[] = [];
    let at = batch.at;
    for (const [, ms, bytes] of batch.chunks) {
      if (at + bytes <= until) pieces.push({ ms: Math.max(0, ms + (batch.startedAt - startedAt)), at, bytes });
      at += bytes;
    }
    told.unshift(...pieces);
    until = batch.at;
  }
  const whole: Piece[] = [];
  let at = 0;
  for (const piece of told) {
    if (piece.at > at) whole.push({ ms: piece.ms, at, bytes: piece.at - at, hole: true });
    whole.push(piece);
    at = piece.at + piece.bytes;
  }
  if (at < length) whole.push({ ms: endMs, at, bytes: length - at, hole: true });
  return whole;
};

const markersOf = (rows: readonly AuditRow[], startedAt: number): Marker[] =>
  rows.flatMap((row): Marker[] => {
    const data = JSON.parse(row.data) as TrailFields;
    const ms = Math.max(0, row.time - startedAt);
    if (data.part !== undefined) return [];
    if (row.type === 'RECOVERY_ATTEMPT')
      return [{ ms, what: data.kind === 'restore' ? 'restored' : 'takeover', ...(data.owner && { owner: data.owner }) }];
    if (!row.type.startsWith('STREAM_') || row.type === 'STREAM_STARTED') return [];
    const cancel: Marker[] = data.cancel ? [{ ms: Math.max(0, data.cancel.requestedAt - startedAt), what: 'cancel' }] : [];
    return [...cancel, { ms, what: 'end', ...(data.reason && { reason: data.reason }) }];
  });

/** As it stood before it had its end: without what only that brought. */
const before = (part: Part, state: Part['state']): Part => {
  const { partId, index, at, kind, name, server, title } = part;
  return {
    partId,
    index,
    at,
    kind,
    state,
    ...(name !== undefined && { name }),
    ...(server !== undefined && { server }),
    ...(title && { title }),
  };
};

/** Each part at each change of its state; what it says comes with the last of them, for nobody noted when its bytes came. Pure. */
const partsOf = (rows: readonly AuditRow[], bodies: readonly Part[], startedAt: number): ReplayedPart[] => {
  const byId = new Map(bodies.map((part) => [part.partId, part]));
  const changes = rows.flatMap(({ type, time, data }) => {
    if (!type.startsWith('PART_')) return [];
    const { partId = '', state } = JSON.parse(data) as TrailFields;
    const part = byId.get(partId);
    return part && state ? [{ ms: Math.max(0, time - startedAt), part, state: state as Part['state'] }] : [];
  });
  const last = new Map(changes.map((change) => [change.part.partId, change]));
  return changes.map((change) => {
    const { ms, part, state } = change;
    return { ms, part: last.get(part.partId) === change ? shownPart(part) : before(part, state) };
  });
};

type Raw = Record<string, unknown>;

/** What is needed to watch an answer again; null when there is no such run of this user, or its text was deleted. */
export const readReplay = async (database: DataSource, runId: string, userId: string): Promise<Replay | null> => {
  const sql = new Sql(dialectOf(database), database);
  const [raw] = await sql.query<Raw>(
    // Which conversation a run belongs to is in its own index; messages are found by both ids.
    `SELECT m.* FROM run r JOIN message m ON m.conversation_id = r.conversation_id AND m.message_id = r.run_id
       JOIN chat_session s ON s.conversation_id = m.conversation_id
     WHERE r.run_id = $1 AND m.role = 'assistant' AND m.status <> 'deleted' AND s.user_id = $2 AND m.user_id = $2 AND s.deleted = 0 LIMIT 1`,
    [runId, userId],
  );
  if (!raw) return null;
  const row = rowOf(MESSAGE, raw);
  const of = [row.conversationId, runId];
  const batches = await sql.query<Raw>('SELECT * FROM stream_chunk WHERE conversation_id = $1 AND run_id = $2 ORDER BY epoch, batch', of);
  const events = await sql.query<Raw>('SELECT * FROM audit_log WHERE conversation_id = $1 AND run_id = $2 ORDER BY time, sequence', of);
  const bodies = await sql.query<Raw>('SELECT body FROM part WHERE conversation_id = $1 AND run_id = $2 ORDER BY ordinal', of);
  const message = toMessage(row);
  const trail = events.map((e) => rowOf(AUDIT, e));
  const markers = markersOf(trail, row.createdAt);
  const parts = partsOf(
    trail,
    bodies.flatMap(({ body }) => readBody(body)),
    row.createdAt,
  );
  const endMs = markers.findLast((m) => m.what === 'end')?.ms ?? 0;
  const pieces = piecesOf(
    batches.map((b) => toStretch(rowOf(TIMELINE, b))),
    Buffer.byteLength(message.text),
    row.createdAt,
    endMs,
  );
  return { conversationId: row.conversationId, startedAt: row.createdAt, message, pieces, markers, ...(parts.length > 0 && { parts }) };
};
