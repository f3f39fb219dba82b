import type { DataSource } from 'typeorm';
import type { AdminAct } from '@runnel/protocol/http';
import { appendTrail } from './append-trail.ts';
import { Partitions } from './database/partitions.ts';
import { dialectOf, Sql } from './database/sql.ts';
import { HEAD, rowOf, type AuditRow } from './database/tables.ts';
import { inTurn } from './database/turns.ts';
import { lock, onDisk } from './store.ts';

/** A log of its own, under a name that no conversation can have. */
export const ADMIN_LOG = '$admin';

/** Adds what an admin is about to do to the trail: it is there, linked, before it happens. */
export const recordAdminAct = async (database: DataSource, { type, admin, target, query }: AdminAct, now: number): Promise<void> => {
  const partitions = new Partitions(database);
  await inTurn(database, async () => {
    await partitions.ensure([now]);
    await database.transaction(async (tx) => {
      const sql = new Sql(dialectOf(database), tx);
      await onDisk(sql);
      await lock(sql, [ADMIN_LOG]);
      const [head] = (await sql.query<Record<string, unknown>>('SELECT * FROM audit_head WHERE log_id = $1', [ADMIN_LOG])).map((raw) =>
        rowOf(HEAD, raw),
      );
      const sequence = (head?.seen ?? 0) + 1;
      const row: AuditRow = {
        ...{ eventId: `${ADMIN_LOG}:a${sequence}`, time: now, conversationId: ADMIN_LOG, logId: ADMIN_LOG, sequence, type },
        ...{ userId: admin, runId: null, data: JSON.stringify({ userId: admin, target, query }) },
      };
      await appendTrail(sql, [row]);
    });
  });
};
