import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = ['message', 'run'];

/** How the model stopped, beside what became of its answer. Nothing is known of older answers, so nothing is filled in. */
export class Finish1700000000005 implements MigrationInterface {
  name = 'Finish1700000000005';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`ALTER TABLE ${table} ADD COLUMN finish text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of TABLES) await runner.query(`ALTER TABLE ${table} DROP COLUMN finish`);
  }
}
