import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What conversations have of their own for models. Older ones have none. */
export class Presets1700000000012 implements MigrationInterface {
  name = 'Presets1700000000012';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE IF NOT EXISTS preset (
         conversation_id text NOT NULL PRIMARY KEY, user_id text NOT NULL, position bigint NOT NULL, system text, model text
       )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE IF EXISTS preset');
  }
}
