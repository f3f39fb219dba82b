import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { silentLog } from '@runnel/kit';
import { openGrantsFile } from './grants-file.ts';

const DIGEST = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
const key = (grantId: string, digest: string, change = {}) => ({
  ...{ userId: 'ann', grantId, kind: 'key' as const, digest, data: '{}', lifeMs: null, idleMs: 0, limit: 5, whenFull: 'refuse' as const },
  ...change,
});
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'runnel-grants-'));
  // When a key was used last is noted behind the answer: that write may still be under way.
  onTestFinished(() => rmSync(made, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }));
  return join(made, 'grants.json');
};
const start = (file: string, now = Date.now) => createMemoryRunLog({ now, grants: openGrantsFile({ file, log: silentLog }) });

test('A-18 a key outlives the process, also one that was killed: it is on disk before anybody is told of it', async () => {
  const file = folder();
  await start(file).addGrant(key('k1', DIGEST));
  expect(await start(file).useGrant({ kind: 'key', digest: DIGEST })).toMatchObject({ outcome: 'valid', userId: 'ann', grantId: 'k1' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('A-18 one that was ended, or whose time is over, does not come back', async () => {
  const file = folder();
  const log = start(file);
  await Promise.all([log.addGrant(key('k1', DIGEST)), log.addGrant(key('k2', OTHER, { lifeMs: 1_000 }))]);
  await log.endGrant({ userId: 'ann', kind: 'key', grantId: 'k1' });
  const later = start(file, () => Date.now() + 2_000);
  for (const digest of [DIGEST, OTHER]) expect(await later.useGrant({ kind: 'key', digest })).toEqual({ outcome: 'none' });
  expect(await later.listGrants({ userId: 'ann', kind: 'key' })).toEqual([]);
});

test('A-18 everything of a person who is erased is gone from the file', async () => {
  const file = folder();
  const log = start(file);
  await log.addGrant(key('k1', DIGEST));
  await log.endGrantsOf('ann');
  expect(readFileSync(file, 'utf8')).toBe('[]');
});

test('A-18 many at once are all kept, in few writes', async () => {
  const file = folder();
  let writes = 0;
  const kept = openGrantsFile({ file, log: silentLog });
  const counting = { left: kept.left, keep: (all: Parameters<typeof kept.keep>[0]) => kept.keep(() => (writes++, all())) };
  const log = createMemoryRunLog({ grants: counting });
  const digests = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, '0'));
  await Promise.all(digests.map((digest, i) => log.addGrant(key(`k${i}`, digest, { limit: 100 }))));
  expect(await start(file).listGrants({ userId: 'ann', kind: 'key' })).toHaveLength(40);
  expect(writes).toBeLessThanOrEqual(3);
});

test.each(['', '{', '[{}]', '[{"userId":"ann","digest":"short"}]'])(
  'A-18 a file that is none lets nobody in and stops nothing: %j',
  async (text) => {
    const file = folder();
    writeFileSync(file, text);
    const log = start(file);
    expect(await log.listGrants({ userId: 'ann', kind: 'key' })).toEqual([]);
    await log.addGrant(key('k1', DIGEST));
    expect(await log.listGrants({ userId: 'ann', kind: 'key' })).toHaveLength(1);
  },
);

test('A-18 a disk that refuses fails the command, and no key is known that was not kept', async () => {
  const log = start(join(folder(), 'nowhere', 'grants.json'));
  await expect(log.addGrant(key('k1', DIGEST))).rejects.toMatchObject({ code: 'unavailable' });
  expect(await log.useGrant({ kind: 'key', digest: DIGEST })).toEqual({ outcome: 'none' });
});
