import { cp, mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { call } from '../harness/commands.ts';
import { countText } from '../harness/viewers/expected.ts';
import { Pod } from '../harness/processes/pod.ts';
import { freePort } from '@runnel/kit/testing';
import { waitFor } from '../harness/wait.ts';
import { endOfRunning, goesOn, readOver, tokensOf, verified } from './check.ts';
import { readRelease, releaseFolder } from './release.ts';

/** A process, not yet started, on a copy of the data folder that a release left. */
const podOn = async (version: string, env: Record<string, string>, nodeArgs: readonly string[] = []) => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-release-'));
  await cp(join(releaseFolder(version), 'standalone'), join(folder, 'data'), { recursive: true });
  const ports = { port: await freePort(), internalPort: await freePort() };
  const own = { env: { DATA_DIR: join(folder, 'data'), ...env }, nodeArgs, logDir: folder };
  const pod = new Pod({ name: 'standalone', service: 'standalone', ...ports, ...own });
  onTestFinished(async () => {
    await pod.kill();
    await rm(folder, { recursive: true, force: true });
  });
  return { pod, folder };
};

test.each(['0.1.0'])('P-1 P-9 a data folder of %s opens, verifies and goes on', { timeout: 60_000 }, async (version) => {
  const { standalone } = readRelease(version);
  const { pod, folder } = await podOn(version, { ADMIN_USERS: 'root' });
  await pod.start();
  // Its statistics had none; its trail says what the model used.
  expect(await tokensOf(pod.url, 'root')).toEqual([57, 38]);
  expect(await readOver(pod.url, standalone)).toEqual(standalone.messages);
  const cut = await endOfRunning(pod.url, standalone, 10_000);
  expect(cut.status).toBe('interrupted');
  expect(cut.text.length).toBeGreaterThan(100);
  expect(countText(400).startsWith(cut.text)).toBe(true);
  for (const conversationId of [standalone.over, standalone.going]) {
    expect((await verified(pod.url, conversationId, standalone.userId)).problems).toEqual([]);
  }
  await goesOn(pod.url, standalone);
  expect((await readOver(pod.url, standalone)).slice(0, standalone.messages.length)).toEqual(standalone.messages);

  // S-17: then the person is erased. What was written then is proven still, and names nobody.
  const erased = await call('DELETE', `${pod.url}/api/admin/users/${standalone.userId}?user_id=root`, undefined, 20_000);
  expect(erased).toMatchObject({ status: 200, forgotten: true });
  for (const conversationId of [standalone.over, standalone.going]) {
    expect(await call('GET', `${pod.url}/api/admin/conversations/${conversationId}/verify?user_id=root`)).toMatchObject({ problems: [] });
  }
  await pod.kill();
  const database = new DatabaseSync(join(folder, 'data', 'runnel.sqlite'), { readOnly: true });
  onTestFinished(() => database.close());
  const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all() as { name: string }[];
  const naming = tables.filter(({ name }) => {
    const rows = JSON.stringify(database.prepare(`SELECT * FROM ${name}`).all());
    return rows.includes(`"${standalone.userId}"`) || rows.includes(`\\"${standalone.userId}\\"`);
  });
  expect(naming).toEqual([]);
});

const SHIFTED = ['--import', fileURLToPath(new URL('../harness/processes/shifted-clock.mjs', import.meta.url))];
const TEN_DAYS_MS = 10 * 86_400_000;

test.each(['0.1.0'])('R-3 of a data folder of %s what is past a term goes, by real processes, and the trail is whole', async (version) => {
  const { standalone } = readRelease(version);
  const terms = { MESSAGE_RETENTION: '2d', RUN_RETENTION: '2d' };
  const { pod, folder } = await podOn(version, { ...terms, CLOCK_SHIFT_MS: String(TEN_DAYS_MS) }, SHIFTED);
  await pod.start();
  const database = new DatabaseSync(join(folder, 'data', 'runnel.sqlite'), { readOnly: true });
  onTestFinished(() => database.close());
  const stored = (): number =>
    Number(database.prepare('SELECT count(*) AS n FROM message WHERE conversation_id = ?').get(standalone.over)?.['n']);
  await waitFor(() => stored() === 0, { deadlineMs: 30_000, everyMs: 200, what: 'what is old to go' });
  for (const conversationId of [standalone.over, standalone.going])
    expect((await verified(pod.url, conversationId, standalone.userId)).problems).toEqual([]);
  // What is young stays.
  await goesOn(pod.url, standalone);
  await waitFor(() => stored() === 2, { deadlineMs: 10_000, everyMs: 200, what: 'the new turn in the database' });
  expect((await verified(pod.url, standalone.over, standalone.userId)).problems).toEqual([]);
});
