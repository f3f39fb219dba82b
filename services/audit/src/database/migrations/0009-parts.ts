import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The parts of answers beside their texts. Older answers have none. */
export class Parts1700000000010 implements MigrationInterface {
  name = 'Parts1700000000010';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE IF NOT EXISTS part (
         conversation_id text NOT NULL, run_id text NOT NULL, part_id text NOT NULL, ordinal bigint NOT NULL,
         user_id text NOT NULL, position bigint NOT NULL, state text NOT NULL, body text NOT NULL,
         PRIMARY KEY (conversation_id, run_id, part_id)
       )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE IF EXISTS part');
  }
}
