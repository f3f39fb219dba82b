import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { podAccount } from './account.ts';

test('the token of a pod is read once a minute, and the one that replaced it is used', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-account-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const put = (token: string) => writeFile(join(dir, 'token'), `${token}\n`);
  for (const [name, text] of [
    ['namespace', 'chat'],
    ['ca.crt', 'PEM'],
    ['token', 'one'],
  ] as const)
    await writeFile(join(dir, name), text);
  let at = 0;
  const account = await podAccount('https://kubernetes', dir, () => at);
  expect(account).toMatchObject({ namespace: 'chat', ca: 'PEM' });
  expect(await account.token()).toBe('one');
  await put('two');
  at = 59_999;
  expect(await account.token()).toBe('one');
  at = 60_000;
  expect(await account.token()).toBe('two');
  // What could not be read is no token of a minute.
  await rm(join(dir, 'token'));
  at = 120_000;
  await expect(account.token()).rejects.toThrow(/ENOENT/);
  await put('three');
  expect(await account.token()).toBe('three');
});
