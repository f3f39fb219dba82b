import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the writer's profile asked for: the head of a log knows how far it was seen, so that a batch need not ask the trail what it
 * holds; one index less on the trail (an event's id is its log and its sequence); and whose a message is, in the search index itself.
 */
export class TrailByHead1700000000004 implements MigrationInterface {
  name = 'TrailByHead1700000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit_head ADD COLUMN seen bigint NOT NULL DEFAULT 0');
    await runner.query(
      `INSERT INTO audit_head (log_id, conversation_id, sequence, hash, seen)
       SELECT log_id, min(conversation_id), 0, '${'0'.repeat(64)}', max(sequence) FROM audit_log WHERE true GROUP BY log_id
       ON CONFLICT (log_id) DO UPDATE SET seen = excluded.seen`,
    );
    await runner.query('UPDATE audit_head SET seen = sequence WHERE seen < sequence');
    if (runner.connection.options.type !== 'postgres') return;
    await runner.query('ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey');
    await runner.query('ALTER TABLE audit_log ADD PRIMARY KEY (log_id, sequence, time)');
    await runner.query('DROP INDEX audit_log_in_order');
    await runner.query(`UPDATE message SET search = coalesce(search, '') || array_to_tsvector(ARRAY['=' || user_id])`);
    // Short, because every search reads what waits to be merged into the index, and one writer in many pays for the merging.
    await runner.query('ALTER INDEX message_search SET (gin_pending_list_limit = 256)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit_head DROP COLUMN seen');
    if (runner.connection.options.type !== 'postgres') return;
    await runner.query('CREATE INDEX audit_log_in_order ON audit_log (log_id, sequence)');
    await runner.query('ALTER TABLE audit_log DROP CONSTRAINT audit_log_pkey');
    await runner.query('ALTER TABLE audit_log ADD PRIMARY KEY (event_id, time)');
    await runner.query('ALTER INDEX message_search RESET (gin_pending_list_limit)');
  }
}
