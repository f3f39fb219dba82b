import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Plain SQL that PostgreSQL and SQLite read alike. */
const STATEMENTS = [
  `CREATE TABLE chat_session (
     conversation_id text PRIMARY KEY, user_id text NOT NULL, log_id text NOT NULL, title text NOT NULL,
     created_at bigint NOT NULL, updated_at bigint NOT NULL, deleted_at bigint)`,
  `CREATE INDEX chat_session_of_user ON chat_session (user_id, updated_at)`,
  `CREATE TABLE message (
     conversation_id text NOT NULL, message_id text NOT NULL, position bigint NOT NULL, parent_id text, role text NOT NULL,
     text text NOT NULL, status text NOT NULL, model text, author text, created_at bigint NOT NULL,
     PRIMARY KEY (conversation_id, message_id))`,
  `CREATE INDEX message_in_order ON message (conversation_id, position)`,
  `CREATE TABLE audit_log (
     event_id text PRIMARY KEY, time bigint NOT NULL, conversation_id text NOT NULL, log_id text NOT NULL, sequence bigint,
     type text NOT NULL, user_id text, run_id text, data text NOT NULL, previous_hash text, hash text)`,
  `CREATE INDEX audit_log_in_order ON audit_log (conversation_id, log_id, sequence)`,
  `CREATE INDEX audit_log_of_user ON audit_log (user_id, time)`,
];

export class Initial1700000000001 implements MigrationInterface {
  name = 'Initial1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['audit_log', 'message', 'chat_session']) await runner.query(`DROP TABLE ${table}`);
  }
}
