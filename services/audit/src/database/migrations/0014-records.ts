import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What people have set for themselves. Of before there is nothing. */
export class Records1700000000014 implements MigrationInterface {
  name = 'Records1700000000014';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE IF NOT EXISTS person_record (
         user_id text NOT NULL, kind text NOT NULL, name text NOT NULL, version bigint NOT NULL, fields text,
         PRIMARY KEY (user_id, kind, name)
       )`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE IF EXISTS person_record');
  }
}
