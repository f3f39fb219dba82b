import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { tablesContract } from './contract/tables.ts';
import { tableDeadLetters } from './dead-letters.ts';
import { openTables } from './tables.ts';
import { exchange, story, T0 } from './testing/events.ts';
import { verify } from './verify.ts';

tablesContract('SQLite', async () => 'sqlite::memory:');

test('what is deleted is in no file any more: not in the tables, not in the search index, not in the journal', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-audit-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const tables = await openTables(`sqlite:${join(folder, 'a.sqlite')}`);
  onTestFinished(() => tables.close());
  const onDisk = async (): Promise<string[]> => {
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')));
    return ['hippopotamus', 'rhinoceros', 'crocodile'].filter((word) => files.some((text) => text.includes(word)));
  };
  const s = story('c1');
  await tables.store.write([
    s.started('A hippopotamus'),
    s.said('m1', 'Rhinoceros rhinoceros?'),
    s.ended('r1', 'm1', 'a crocodile crocodile'),
  ]);
  // Others keep the pages and segments in use.
  await tables.store.write(Array.from({ length: 50 }, (_, i) => exchange(`c${i + 2}`, `question ${i}`, `answer ${i}`)).flat());
  expect(await onDisk()).toEqual(['hippopotamus', 'rhinoceros', 'crocodile']);
  await tables.store.write([s.make('MESSAGE_DELETED', { messageId: 'r1' })]);
  expect(await onDisk()).toEqual(['hippopotamus', 'rhinoceros']);
  await tables.store.write([s.make('SESSION_DELETED', {})]);
  expect(await onDisk()).toEqual([]);
});

test('P-10 a full disk refuses a batch whole; with room again the same batch goes in once, and the trail is whole', async () => {
  const tables = await openTables('sqlite::memory:');
  onTestFinished(() => tables.close());
  await tables.writer.write(exchange('c1', 'q', 'a'));
  const [pages] = (await tables.database.query('PRAGMA page_count')) as { page_count: number }[];
  await tables.database.query(`PRAGMA max_page_count = ${pages!.page_count + 2}`);
  const large = Array.from({ length: 20 }, (_, i) => exchange(`d${i}`, 'q', 'x'.repeat(5_000))).flat();
  await expect(tables.writer.write(large)).rejects.toThrow(/full/);
  expect(await verify(tables.database)).toMatchObject({ logs: 1, events: 4, problems: [] });
  await tables.database.query('PRAGMA max_page_count = 100000');
  await tables.writer.write([...exchange('c1', 'q', 'a'), ...large]);
  expect(await verify(tables.database)).toMatchObject({ logs: 21, events: 84, texts: 42, problems: [] });
});

test('P-10 what others write while a batch is refused stays: a figure, a letter put aside, another batch', async () => {
  const tables = await openTables('sqlite::memory:');
  onTestFinished(() => tables.close());
  const letters = tableDeadLetters(tables.database);
  const [pages] = (await tables.database.query('PRAGMA page_count')) as { page_count: number }[];
  await tables.database.query(`PRAGMA max_page_count = ${pages!.page_count + 8}`);
  const large = Array.from({ length: 40 }, (_, i) => exchange(`d${i}`, 'q', 'x'.repeat(5_000))).flat();
  const refused = expect(tables.store.write(large)).rejects.toThrow(/full/);
  const letter = { topic: 't', key: 'k', value: new Uint8Array([1]), reason: 'r', origin: 'o' };
  const others = [tables.analytics.write(exchange('c1', 'q', 'a')), letters.put([letter]), tables.store.write(exchange('c2', 'q', 'a'))];
  await Promise.all([refused, ...others]);
  const [row] = await tables.analytics.statistics({ from: T0, to: T0 + 60_000, bucketMs: 60_000 });
  expect([row?.runs, (await letters.list()).length]).toEqual([1, 1]);
  expect(await verify(tables.database)).toMatchObject({ logs: 1, events: 4, problems: [] });
});
