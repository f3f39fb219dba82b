import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { INTERNAL_TOKEN, prompt, startCluster, waitFor } from '../harness/index.ts';
import { commandIn, inShell } from './document.ts';

test('R-2 yesterday’s backup of PostgreSQL is restored as "Back up and restore" says: what came after it is added from Kafka, each answer once', async () => {
  const cluster = await startCluster({ gateways: 1, ai: 1, audit: true, kafka: true, postgres: true });
  const folder = await mkdtemp(join(tmpdir(), 'runnel-restore-'));
  onTestFinished(async () => {
    await cluster.close();
    await cluster.removeLogs();
    await rm(folder, { recursive: true, force: true });
  });
  const audit = cluster.audit!;
  const textsOf = async (conversationId: string): Promise<string[]> => {
    const answer = await fetch(`${audit.url}/history/${conversationId}`, {
      headers: { authorization: `Bearer ${INTERNAL_TOKEN}`, 'x-runnel-user': 'ann' },
    });
    if (answer.status === 404) return [];
    const { messages = [] } = (await answer.json()) as { messages?: { text: string }[] };
    return messages.map(({ text }) => text);
  };
  const converse = async (conversationId: string): Promise<string[]> => {
    const command = { conversationId, messageId: randomUUID(), runId: randomUUID(), userId: 'ann', text: 'count 20 at 200' };
    expect(await prompt(() => cluster.gateways[0]!.url, command)).toMatchObject({ status: 202 });
    return waitFor(
      async () => {
        const texts = await textsOf(conversationId);
        return texts.length === 2 && texts;
      },
      { deadlineMs: 120_000, everyMs: 250, what: `${conversationId} in the database` },
    );
  };
  const SECTION = 'Back up and restore';
  const shell = (command: string, DATABASE_URL: string): Promise<string> =>
    inShell(command, { env: { DATABASE_URL, KAFKA_BROKERS: cluster.kafka!.brokers.join(',') }, instead: {}, cwd: folder });
  const npm = (command: string): string =>
    `cd '${join(import.meta.dirname, '../..')}' && ${command.replace('npm run', 'npm run --silent')}`;

  const before = await converse('before');
  await shell(`${commandIn(SECTION, 'pg_dump -Fc')} --file=backup --dbname="$DATABASE_URL"`, cluster.databaseUrl!);
  const after = await converse('after');
  await audit.kill();
  const restored = await cluster.postgres!.database();
  await shell(`${commandIn(SECTION, 'pg_restore')} --exit-on-error --dbname="$DATABASE_URL" backup`, restored);
  Object.assign(audit.spec.env, { DATABASE_URL: restored });
  await audit.start();
  expect(await textsOf('before')).toEqual(before);
  expect(await textsOf('after')).toEqual([]);
  const rebuild = npm(commandIn(SECTION, 'npm run audit -- rebuild --from-beginning'));
  await shell(rebuild, restored);
  expect(await textsOf('after')).toEqual(after);
  // It may be repeated.
  await shell(rebuild, restored);
  expect([await textsOf('before'), await textsOf('after')]).toEqual([before, after]);
  expect(await shell(npm('npm run audit -- verify'), restored)).toMatch(/^whole/);
}, 600_000);
