import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendAct, nextAct } from '../../read/admin-log.ts';
import { cutsNow } from '../../proof/cuts.ts';
import { makeMonth, monthOf } from '../partitions.ts';
import { Sql } from '../sql.ts';

const STATEMENTS = [
  // A person whom the trail knows has an id and a key; one who was erased has neither.
  `CREATE TABLE IF NOT EXISTS audit_person (
     pseudonym text PRIMARY KEY, user_id text UNIQUE, key text, erased_at bigint, digest text)`,
  'CREATE INDEX IF NOT EXISTS audit_person_by_digest ON audit_person (digest)',
  'CREATE TABLE IF NOT EXISTS audit_late_key (key text PRIMARY KEY)',
  // Rows of 0.1.0 whose person was erased: what they are now, and which event of the trail says so.
  `CREATE TABLE IF NOT EXISTS audit_redacted (
     log_id text NOT NULL, sequence bigint NOT NULL, act bigint NOT NULL, hash text NOT NULL, PRIMARY KEY (log_id, sequence, act))`,
  'CREATE INDEX IF NOT EXISTS audit_redacted_of_act ON audit_redacted (act)',
];

/** Who is behind a pseudonym, what became of older rows, and a record of where retention has cut. */
export class Persons1700000000009 implements MigrationInterface {
  name = 'Persons1700000000009';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
    const isPostgres = runner.connection.options.type === 'postgres';
    const sql = new Sql(isPostgres ? 'postgres' : 'sqlite', runner.manager);
    const data = await cutsNow(sql);
    if (data.before === 0 && data.logs === 0) return;
    const time = Date.now();
    if (isPostgres) await makeMonth(runner.manager, monthOf(time));
    await appendAct(sql, await nextAct(sql), { type: 'TRAIL_CUT', userId: null, data, time });
  }

  /** The tables stay: without them every person would be erased. An older program does not look at them. */
  async down(): Promise<void> {}
}
