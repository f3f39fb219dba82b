import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Timelines of whole answers in one row. Rows that are there stay as they are and can be read. */
export class PackedTimelines1700000000015 implements MigrationInterface {
  name = 'PackedTimelines1700000000015';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE stream_chunk ADD COLUMN packed text');
    await runner.query('ALTER TABLE stream_chunk ADD COLUMN last_batch bigint');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE stream_chunk DROP COLUMN packed');
    await runner.query('ALTER TABLE stream_chunk DROP COLUMN last_batch');
  }
}
