import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a search for a frequent word walks along, newest first; and a search index of SQLite that forgets what was deleted. */
export class SearchByUser1700000000003 implements MigrationInterface {
  name = 'SearchByUser1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE INDEX IF NOT EXISTS message_of_user ON message (user_id, position)');
    // FTS5 only marks a deleted row as gone, and its words stay in the file until a merge; so not here.
    if (runner.connection.options.type !== 'postgres')
      await runner.query(`INSERT INTO message_search (message_search, rank) VALUES ('secure-delete', 1)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX IF EXISTS message_of_user');
  }
}
