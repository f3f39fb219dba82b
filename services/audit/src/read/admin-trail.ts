import type { DataSource } from 'typeorm';
import type { AdminAct } from '@runnel/protocol/http';
import { appendAct, nextAct } from './admin-log.ts';
import { Partitions } from '../database/partitions.ts';
import { dialectOf, Sql } from '../database/sql.ts';
import { inTurn } from '../database/turns.ts';
import { addPersons, personsNamed } from '../persons/resolve.ts';

/** Whom nobody knows by that name gets no name by being asked for: an id that was erased would be back. */
const UNKNOWN = '?';

const pseudonymFor = async (sql: Sql, userId: string): Promise<string> => {
  const known = (await personsNamed(sql, [userId])).get(userId);
  if (known !== undefined) return known;
  // 0.1.0 wrote the id itself.
  const [found] = await sql.query('SELECT 1 FROM chat_session WHERE user_id = $1 LIMIT 1', [userId]);
  return found === undefined ? UNKNOWN : ((await addPersons(sql, [userId])).get(userId) ?? UNKNOWN);
};

/** Adds what an admin is about to do to the trail: it is there, linked, before it happens. */
export const recordAdminAct = async (database: DataSource, act: AdminAct, now: number): Promise<void> => {
  const { type, admin, target, conversation, query } = act;
  const partitions = new Partitions(database);
  await inTurn(database, async () => {
    await partitions.ensure([now]);
    await database.transaction(async (tx) => {
      const sql = new Sql(dialectOf(database), tx);
      const sequence = await nextAct(sql);
      const userId = (await personsNamed(sql, [admin])).get(admin) ?? (await addPersons(sql, [admin])).get(admin)!;
      const of = target === undefined ? undefined : await pseudonymFor(sql, target);
      const asked = of === undefined ? query : query?.replaceAll(JSON.stringify(target), JSON.stringify(of));
      await appendAct(sql, sequence, { type, userId, data: { userId, target: of, conversation, query: asked }, time: now });
    });
  });
};
