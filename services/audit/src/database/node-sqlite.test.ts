import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from './data-source.ts';
import { NodeSqlite } from './node-sqlite.ts';

test('P-9 a disk that was full for a while leaves no transaction behind: what is written afterwards stays', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'runnel-sqlite-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'audit.sqlite');
  const database = await openDatabase(`sqlite:${file}`);
  onTestFinished(() => database.destroy());
  await database.query('CREATE TABLE note (text TEXT UNIQUE)');
  const write = (text: string, or = 'ABORT') => database.transaction((tx) => tx.query(`INSERT OR ${or} INTO note VALUES (?)`, [text]));
  await write('first');
  // Refused the way a full disk is: SQLite has rolled back before TypeORM does, at times.
  await expect(write('first', 'ROLLBACK')).rejects.toThrow('UNIQUE');
  await expect(write('first')).rejects.toThrow('UNIQUE');
  await write('stays');
  // Another connection sees only what was committed, like the next process.
  const other = new NodeSqlite(file, { readonly: true });
  onTestFinished(() => other.close());
  expect(other.prepare('SELECT text FROM note').all()).toEqual([{ text: 'first' }, { text: 'stays' }]);
});
