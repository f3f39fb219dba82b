import { HELD, type HeldRow } from '../database/retention-tables.ts';
import { toStored, type Sql } from '../database/sql.ts';
import type { SessionRow } from '../database/tables.ts';
import { messageKey, type ChangeAt, type Folded } from '../store/fold.ts';

/** Those of these conversations that are held, by themselves or with their owner. */
const heldAmong = async (sql: Sql, changes: readonly ChangeAt[], stored: ReadonlyMap<string, SessionRow>): Promise<Set<string>> => {
  const holds = await sql.query<{ kind: string; subject: string }>('SELECT kind, subject FROM legal_hold');
  const held = new Set(holds.map(({ kind, subject }) => `${kind} ${subject}`));
  const ownerOf = ({ conversationId, change }: ChangeAt): string =>
    stored.get(conversationId)?.userId ||
    ('userId' in change ? change.userId : 'row' in change && 'userId' in change.row ? change.row.userId : '');
  return new Set(
    held.size === 0
      ? []
      : changes
          .filter((entry) => held.has(`conversation ${entry.conversationId}`) || held.has(`user ${ownerOf(entry)}`))
          .map(({ conversationId }) => conversationId),
  );
};

/** What these changes say of held conversations and the tables will not have. Pure. */
const lostIn = (changes: readonly ChangeAt[], folded: Folded, held: ReadonlySet<string>): HeldRow[] => {
  const emptied = new Set(folded.emptied.map(({ conversationId, messageId }) => messageKey(conversationId, messageId)));
  const parts = new Set(folded.parts);
  return changes.flatMap(({ conversationId, change }): HeldRow[] => {
    if (!held.has(conversationId)) return [];
    const messages = change.kind === 'message' ? [change.row] : change.kind === 'restored' ? change.rows : [];
    const lost = messages.filter(
      (row) => row.text !== '' && folded.messages.get(messageKey(conversationId, row.messageId))?.text !== row.text,
    );
    const said = lost.map(({ messageId: name, position, role, text }) => ({
      conversationId,
      kind: 'message',
      name,
      position,
      role,
      body: text,
    }));
    if (change.kind !== 'part' || (parts.has(change.row) && !emptied.has(messageKey(conversationId, change.row.runId)))) return said;
    const { partId, runId, position, body } = change.row;
    return [...said, { conversationId, kind: 'part', name: `${runId} ${partId}`, position, role: '', body }];
  });
};

const STAYS = 'ON CONFLICT DO NOTHING';
const ofMessages = (where: string): string =>
  `INSERT INTO held_row (conversation_id, kind, name, position, role, body)
   SELECT conversation_id, 'message', message_id, position, role, text FROM message WHERE ${where} AND text <> '' ${STAYS}`;
const ofParts = (where: string): string =>
  `INSERT INTO held_row (conversation_id, kind, name, position, role, body)
   SELECT conversation_id, 'part', run_id || ' ' || part_id, position, '', body FROM part WHERE ${where} ${STAYS}`;

/** Before deletions are written: copies what they take of conversations that are held. The conversations are locked. */
export const keepHeld = async (
  sql: Sql,
  changes: readonly ChangeAt[],
  folded: Folded,
  stored: ReadonlyMap<string, SessionRow>,
): Promise<void> => {
  const held = await heldAmong(sql, changes, stored);
  if (held.size === 0) return;
  const rows = lostIn(changes, folded, held).map((row) => ({ ...row, body: toStored(row.body) }));
  const byKey = new Map(rows.map((row) => [JSON.stringify([row.conversationId, row.kind, row.name, row.position]), row]));
  await sql.insert('held_row', HELD, [...byKey.values()], '(conversation_id, kind, name, position) DO NOTHING');
  for (const [conversationId, position] of folded.purged) {
    if (!held.has(conversationId)) continue;
    for (const copy of [ofMessages, ofParts]) await sql.query(copy('conversation_id = $1 AND position < $2'), [conversationId, position]);
    const [title, at] = [stored.get(conversationId)?.title ?? '', stored.get(conversationId)?.updatedAt ?? 0];
    if (title === '') continue;
    const row: HeldRow = { conversationId, kind: 'title', name: '', position: at * 1_000, role: '', body: title };
    await sql.insert('held_row', HELD, [row], '(conversation_id, kind, name, position) DO NOTHING');
  }
  for (const { conversationId, messageId } of folded.emptied) {
    if (!held.has(conversationId)) continue;
    await sql.query(ofMessages('conversation_id = $1 AND message_id = $2'), [conversationId, messageId]);
    await sql.query(ofParts('conversation_id = $1 AND run_id = $2'), [conversationId, messageId]);
  }
};
