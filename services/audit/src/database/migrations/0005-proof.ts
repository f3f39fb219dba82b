import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What proving asks for: the logs of a conversation by its id; up to where retention cut each log; the checkpoints that were made, and how
 * far each log was in the last of them.
 */
export class Proof1700000000006 implements MigrationInterface {
  name = 'Proof1700000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX IF NOT EXISTS audit_head_of_conversation ON audit_head (conversation_id)');
    await runner.query('CREATE TABLE IF NOT EXISTS audit_cut (log_id text PRIMARY KEY, sequence bigint NOT NULL)');
    await runner.query(
      `INSERT INTO audit_cut (log_id, sequence)
       SELECT h.log_id, coalesce(min(a.sequence) - 1, h.seen) FROM audit_head h LEFT JOIN audit_log a ON a.log_id = h.log_id
       WHERE EXISTS (SELECT 1 FROM audit_state WHERE name = 'retired-before') GROUP BY h.log_id, h.seen
       HAVING min(a.sequence) IS NULL OR min(a.sequence) > 1`,
    );
    await runner.query('CREATE TABLE IF NOT EXISTS audit_checkpoint (number bigint PRIMARY KEY, line text NOT NULL)');
    await runner.query('CREATE TABLE IF NOT EXISTS audit_checked (log_id text PRIMARY KEY, sequence bigint NOT NULL)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX IF EXISTS audit_head_of_conversation');
    await runner.query('DROP TABLE IF EXISTS audit_cut');
    await runner.query('DROP TABLE IF EXISTS audit_checkpoint');
    await runner.query('DROP TABLE IF EXISTS audit_checked');
  }
}
