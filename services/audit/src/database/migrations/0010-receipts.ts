import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What proves a whole answer, beside it. Of older answers there is none, so nothing is filled in. */
export class Receipts1700000000011 implements MigrationInterface {
  name = 'Receipts1700000000011';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE message ADD COLUMN receipt text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE message DROP COLUMN receipt');
  }
}
