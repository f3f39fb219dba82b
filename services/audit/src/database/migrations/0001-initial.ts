import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Plain SQL that PostgreSQL and SQLite read alike; the audit log of PostgreSQL is divided by month (`partitions.ts`). */
const statements = (isPostgres: boolean): string[] => [
  `CREATE TABLE chat_session (
     conversation_id text PRIMARY KEY, user_id text NOT NULL, log_id text NOT NULL, title text NOT NULL,
     created_at bigint NOT NULL, updated_at bigint NOT NULL, deleted bigint NOT NULL, deleted_at bigint, deleted_log_id text)`,
  `CREATE INDEX chat_session_of_user ON chat_session (user_id, updated_at)`,
  `CREATE TABLE message (
     ${isPostgres ? '' : 'id integer PRIMARY KEY,'} conversation_id text NOT NULL, message_id text NOT NULL, user_id text NOT NULL, position bigint NOT NULL, parent_id text,
     role text NOT NULL, text text NOT NULL, status text NOT NULL, model text, author text, created_at bigint NOT NULL,
     ${isPostgres ? 'search tsvector, PRIMARY KEY' : 'UNIQUE'} (conversation_id, message_id))`,
  `CREATE INDEX message_in_order ON message (conversation_id, position)`,
  // The key of a divided table must hold what divides it. An event's time is part of the event, so its id stays unique.
  `CREATE TABLE audit_log (
     event_id text NOT NULL, time bigint NOT NULL, conversation_id text NOT NULL, log_id text NOT NULL, sequence bigint NOT NULL,
     type text NOT NULL, user_id text, run_id text, data text NOT NULL, PRIMARY KEY (event_id, time))
     ${isPostgres ? 'PARTITION BY RANGE (time)' : ''}`,
  `CREATE INDEX audit_log_in_order ON audit_log (log_id, sequence)`,
  `CREATE INDEX audit_log_of_conversation ON audit_log (conversation_id, time)`,
  `CREATE INDEX audit_log_of_user ON audit_log (user_id, time)`,
  `CREATE TABLE audit_chain (
     log_id text NOT NULL, sequence bigint NOT NULL, event_id text NOT NULL, hash text NOT NULL, PRIMARY KEY (log_id, sequence))`,
  `CREATE TABLE audit_head (log_id text PRIMARY KEY, conversation_id text NOT NULL, sequence bigint NOT NULL, hash text NOT NULL)`,
  `CREATE TABLE audit_state (name text PRIMARY KEY, value text NOT NULL)`,
  `CREATE TABLE dead_letter (
     origin text PRIMARY KEY, at bigint NOT NULL, topic text NOT NULL, key text NOT NULL, value text NOT NULL, reason text NOT NULL)`,
  `CREATE TABLE stream_chunk (
     conversation_id text NOT NULL, run_id text NOT NULL, epoch bigint NOT NULL, batch bigint NOT NULL, started_at bigint NOT NULL,
     at bigint NOT NULL, chunks text NOT NULL, PRIMARY KEY (conversation_id, run_id, epoch, batch))`,
  `CREATE TABLE run (
     conversation_id text NOT NULL, run_id text NOT NULL, model text NOT NULL, started_at bigint NOT NULL, first_ms bigint,
     ended_at bigint, reason text, epoch bigint NOT NULL, input_tokens bigint, output_tokens bigint,
     PRIMARY KEY (conversation_id, run_id))`,
  `CREATE INDEX run_by_time ON run (started_at)`,
  `CREATE INDEX run_by_name ON run (run_id)`,
  isPostgres
    ? `CREATE INDEX message_search ON message USING gin (search)`
    : // rowid: `message.id`
      `CREATE VIRTUAL TABLE message_search USING fts5(folded, tokenize = 'unicode61')`,
];

const TABLES = ['run', 'dead_letter', 'stream_chunk', 'audit_state', 'audit_head', 'audit_chain', 'audit_log', 'message', 'chat_session'];

export class Initial1700000000002 implements MigrationInterface {
  name = 'Initial1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    const isPostgres = runner.connection.options.type === 'postgres';
    // A draft of these tables, never released, may be in a checkout's own file.
    await this.down(runner);
    for (const statement of statements(isPostgres)) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') await runner.query('DROP TABLE IF EXISTS message_search');
    for (const table of TABLES) await runner.query(`DROP TABLE IF EXISTS ${table}`);
  }
}
