import { afterAll, beforeAll, expect, test } from 'vitest';
import { tablesContract } from './contract/tables.ts';
import { openTables } from './tables.ts';
import { exchange, startPostgres, T0, type TestPostgres } from './testing/index.ts';
import { verify } from './verify.ts';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

tablesContract('PostgreSQL', () => postgres.database());

test('P-9 two pods that write the same conversations at once store each event once, and the chains hold', async () => {
  const url = await postgres.database();
  // Both bring the schema up to date at the same time.
  const pods = await Promise.all([openTables(url), openTables(url)]);
  const events = Array.from({ length: 40 }, (_, i) => exchange(`c${i}`, `q ${i}`, `a ${i}`, 'ann', T0 + i)).flat();
  const chat = events.filter((e) => !e.type.startsWith('STREAM_'));
  const streams = events.filter((e) => e.type.startsWith('STREAM_'));
  const writes = [
    pods[0].store.write(chat),
    pods[1].store.write(streams),
    pods[1].store.write(events.slice(0, 60)),
    pods[0].store.write(events.slice(40)),
  ];
  const stored = await Promise.all(writes);
  expect(stored.reduce((a, b) => a + b)).toBe(160);
  expect(await verify(pods[0].database)).toMatchObject({ logs: 40, events: 160, texts: 80, problems: [] });
  await Promise.all(pods.map((pod) => pod.close()));
});

test('P-10 the server goes away under a writer and comes back: the writer tries again and nothing is twice', async () => {
  const tables = await openTables(await postgres.database());
  await tables.writer.write(exchange('c1', 'q', 'a'));
  const many = Array.from({ length: 400 }, (_, i) => exchange(`d${i}`, 'q', 'a')).flat();
  const halfway = expect(tables.writer.write(many)).rejects.toThrow();
  await postgres.kill();
  await halfway;
  await expect(tables.writer.write(exchange('c2', 'q', 'a'))).rejects.toThrow();
  await postgres.restart();
  await tables.writer.write([...exchange('c1', 'q', 'a'), ...exchange('c2', 'q', 'a'), ...many]);
  expect(await verify(tables.database)).toMatchObject({ logs: 402, events: 1_608, problems: [] });
  await tables.close();
});
