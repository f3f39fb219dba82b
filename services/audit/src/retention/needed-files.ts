import type { FilesNeeded } from '@runnel/protocol/http';
import type { Sql } from '../database/sql.ts';
import { readBody } from '../read/reader.ts';

const LIKE_FILE = `body LIKE '%"fileId"%'`;

/** Those of these files that one of these parts is. */
const among = (asked: ReadonlySet<string>, rows: readonly { body: unknown }[]): string[] => {
  const named = rows
    .flatMap(({ body }) => readBody(body))
    .flatMap(({ fileId }) => (fileId !== undefined && asked.has(fileId) ? [fileId] : []));
  return [...new Set(named)];
};

/**
 * Which of a person's files must stay: all of a person's who is held; what a conversation shows, or has lost, that is held; and what one shows that
 * lives. Whose files they are was asked by the gateway.
 */
export const neededFiles = async (sql: Sql, userId: string, files: readonly string[]): Promise<FilesNeeded> => {
  const asked = new Set(files);
  const shown = await sql.query<{ body: unknown }>(
    `SELECT body FROM part WHERE ${LIKE_FILE} AND conversation_id IN (SELECT conversation_id FROM chat_session WHERE user_id = $1 AND deleted = 0)`,
    [userId],
  );
  const [person] = await sql.query(`SELECT 1 FROM legal_hold WHERE kind = 'user' AND subject = $1 LIMIT 1`, [userId]);
  if (person !== undefined) return { held: [...asked], shown: among(asked, shown) };
  const own = `conversation_id IN (SELECT h.subject FROM legal_hold h JOIN chat_session s ON s.conversation_id = h.subject
    WHERE h.kind = 'conversation' AND s.user_id = $1)`;
  const held = await sql.query<{ body: unknown }>(
    `SELECT body FROM part WHERE ${LIKE_FILE} AND ${own} UNION ALL SELECT body FROM held_row WHERE kind = 'part' AND ${LIKE_FILE} AND ${own}`,
    [userId],
  );
  return { held: among(asked, held), shown: among(asked, shown) };
};
