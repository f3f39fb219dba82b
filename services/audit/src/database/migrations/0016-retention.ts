import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATEMENTS = [
  // Up to where retention took a conversation's messages, and which event of the trail says so.
  `CREATE TABLE IF NOT EXISTS text_cut (
     conversation_id text NOT NULL, act bigint NOT NULL, position bigint NOT NULL, ended bigint NOT NULL,
     PRIMARY KEY (conversation_id, act))`,
  'CREATE INDEX IF NOT EXISTS text_cut_of_act ON text_cut (act)',
  `CREATE TABLE IF NOT EXISTS legal_hold (
     hold_id text PRIMARY KEY, kind text NOT NULL, subject text NOT NULL, matter text NOT NULL, since bigint NOT NULL, act bigint NOT NULL)`,
  'CREATE INDEX IF NOT EXISTS legal_hold_of ON legal_hold (kind, subject)',
  // What people deleted while it was held.
  `CREATE TABLE IF NOT EXISTS held_row (
     conversation_id text NOT NULL, kind text NOT NULL, name text NOT NULL, position bigint NOT NULL, role text NOT NULL, body text NOT NULL,
     PRIMARY KEY (conversation_id, kind, name, position))`,
  'CREATE INDEX IF NOT EXISTS message_by_position ON message (position)',
  `CREATE INDEX IF NOT EXISTS chat_session_titled ON chat_session (updated_at) WHERE title <> ''`,
];

// Timelines are written in the order of time, so a summary of each block range finds the oldest: 48 kB in all, where an index took 33 bytes a timeline.
const BY_TIME = 'CREATE INDEX IF NOT EXISTS stream_chunk_by_time ON stream_chunk';
const SUMMARY = 'USING brin (started_at) WITH (autosummarize = on)';

/** How long texts and figures are kept, and what a court wants kept. Nothing goes until a term is set. */
export class Retention1700000000016 implements MigrationInterface {
  name = 'Retention1700000000016';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of STATEMENTS) await runner.query(statement);
    await runner.query(`${BY_TIME} ${runner.connection.options.type === 'postgres' ? SUMMARY : '(started_at)'}`);
  }

  /** The tables stay: without them what was cut would look like what was taken. An older program does not look at them. */
  async down(runner: QueryRunner): Promise<void> {
    for (const index of ['message_by_position', 'stream_chunk_by_time', 'chat_session_titled'])
      await runner.query(`DROP INDEX IF EXISTS ${index}`);
  }
}
