import { cp, mkdtemp, rm } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { call } from '../harness/commands.ts';
import { countText } from '../harness/viewers/expected.ts';
import { Pod } from '../harness/processes/pod.ts';
import { freePort } from '../harness/processes/ports.ts';
import { endOfRunning, goesOn, readOver, tokensOf, verified } from './check.ts';
import { readRelease, releaseFolder } from './release.ts';

test.each(['0.1.0'])('P-1 P-9 a data folder of %s opens, verifies and goes on', { timeout: 60_000 }, async (version) => {
  const { standalone } = readRelease(version);
  const folder = await mkdtemp(join(tmpdir(), 'runnel-release-'));
  await cp(join(releaseFolder(version), 'standalone'), join(folder, 'data'), { recursive: true });
  const pod = new Pod({
    name: 'standalone',
    service: 'standalone',
    port: await freePort(),
    internalPort: await freePort(),
    env: { DATA_DIR: join(folder, 'data'), ADMIN_USERS: 'root' },
    logDir: folder,
  });
  onTestFinished(async () => {
    await pod.kill();
    await rm(folder, { recursive: true, force: true });
  });
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
