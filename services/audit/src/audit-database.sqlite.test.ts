import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';
import { CHAT_TOPIC, STREAM_TOPIC, topicOf } from '@runnel/protocol/audit';
import { tablesContract } from '../test/contract/tables.ts';
import { tableDeadLetters } from './ingest/dead-letters.ts';
import { pseudonymOf } from './persons/pseudonym.ts';
import { openTables } from './audit-database.ts';
import { exchange, story, T0 } from '../testing/events.ts';
import { verify } from './read/verify.ts';

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
  const problems = ['conversation c1: run r-c1 was started by nobody'];
  expect(await verify(tables.database)).toMatchObject({ logs: 1, events: 4, problems });
});

/** A small generator, so that a seed that fails can be named. */
const randomOf = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

test('P-9 however two topics interleave, in any batches, with any repetitions: the same messages, and a chain without a hole', async () => {
  const all = ['c1', 'c2', 'c3'].flatMap((conversationId) => {
    const s = story(conversationId);
    return [
      ...[s.started(), s.said('m1', 'hỏi'), s.began('r1', 'm1'), s.ended('r1', 'm1', 'đáp')],
      ...[s.said('m2', 'nữa', 'r1'), s.began('r2', 'm2'), s.ended('r2', 'm2', 'vâng', 'cancelled')],
      ...[s.make('MESSAGE_DELETED', { messageId: 'm2' }), s.make('TITLE_CHANGED', { title: 'Mới' }), s.said('m3', 'hết', 'r2')],
    ];
  });
  const endOf = async (batches: (typeof all)[]): Promise<unknown> => {
    const tables = await openTables('sqlite::memory:');
    // The links are made of pseudonyms, and those of a random key.
    await tables.database.query(`INSERT INTO audit_person (pseudonym, user_id, key) VALUES ('${pseudonymOf('k', 'ann')}', 'ann', 'k')`);
    for (const batch of batches) await tables.writer.write(batch);
    const pages = await Promise.all(
      ['c1', 'c2', 'c3'].map((conversationId) => tables.reader.history({ conversationId, userId: 'ann', limit: 50 })),
    );
    const verified = await verify(tables.database);
    await tables.close();
    return { pages, verified };
  };
  const expected = await endOf([all]);
  expect(expected).toMatchObject({ verified: { logs: 3, events: 30, texts: 15, problems: [] } });
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomOf(seed);
    const pick = (below: number): number => Math.floor(random() * below);
    // Each topic keeps its order; what came before may come again.
    const topics = [CHAT_TOPIC, STREAM_TOPIC].map((topic) => all.filter(({ type }) => topicOf(type) === topic));
    const given: typeof all = [];
    while (topics.some((topic) => topic.length > 0)) {
      const next = random() < 0.2 && given.length > 0 ? given[pick(given.length)] : topics[pick(2)]!.shift();
      if (next) given.push(next);
    }
    const batches: (typeof all)[] = [];
    while (given.length > 0) batches.push(given.splice(0, 1 + pick(8)));
    expect([seed, await endOf(batches)]).toEqual([seed, expected]);
  }
});
