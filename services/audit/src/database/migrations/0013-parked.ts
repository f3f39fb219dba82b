import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Answers that wait for a person, with what another store needs to go on with them. */
export class Parked1700000000013 implements MigrationInterface {
  name = 'Parked1700000000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE IF NOT EXISTS parked (
         conversation_id text NOT NULL, run_id text NOT NULL, user_id text NOT NULL, position bigint NOT NULL, epoch bigint NOT NULL,
         body text NOT NULL, PRIMARY KEY (conversation_id, run_id)
       )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE IF EXISTS parked');
  }
}
