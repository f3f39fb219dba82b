/**
 * Writes what one release leaves behind, from real runs of it: a Redis, a PostgreSQL and a standalone data folder, each with a running,
 * an ended, a failed and a deleted answer. `CHECKOUT` is a checkout of that release with its dependencies installed:
 *   node e2e/releases/make.ts CHECKOUT e2e/releases/0.1.0
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { call, history } from '../harness/commands.ts';
import { freePort } from '@runnel/kit/testing';
import { waitFor } from '../harness/wait.ts';
import { RUNNING_WORDS, type LeftBehind, type Release } from './release.ts';

const USER = 'ann';
const [checkout = '', out = ''] = process.argv.slice(2).map((path) => resolve(path));
const harness = join(checkout, 'e2e/harness');
// The release's own harness starts the release's own processes.
const { startCluster } = (await import(join(harness, 'cluster.ts'))) as typeof import('../harness/processes/cluster.ts');
const { Pod } = (await import(join(harness, 'pod.ts'))) as typeof import('../harness/processes/pod.ts');

const ended = async (origin: string, conversationId: string, runId: string): Promise<void> => {
  await waitFor(async () => (await history(origin, conversationId, USER)).some(({ messageId }) => messageId === runId), {
    deadlineMs: 10_000,
    what: `the end of ${runId}`,
  });
};

const ask = async (origin: string, conversationId: string, runId: string, text: string): Promise<void> => {
  const body = { conversationId, messageId: `question-${runId}`, runId, text, model: 'count' };
  const { status } = await call('POST', `${origin}/api/chat?user_id=${USER}`, body);
  if (status !== 202) throw new Error(`the prompt of ${runId} was answered ${status}`);
};

/** The conversation that is over: an ended answer, a failed one, and a deleted one. */
const makeEnded = async (origin: string, conversationId: string): Promise<LeftBehind['messages']> => {
  const runs = { ended: 'count 20 at 200', failed: 'count 20 at 200 fail 5', deleted: 'count 8 at 200' };
  for (const [runId, text] of Object.entries(runs)) {
    await ask(origin, conversationId, runId, text);
    await ended(origin, conversationId, runId);
  }
  const { status } = await call('DELETE', `${origin}/api/history/${conversationId}/deleted?user_id=${USER}`);
  if (status !== 200) throw new Error(`the deletion was answered ${status}`);
  return (await history(origin, conversationId, USER)).map(({ messageId, role, text, status: state }) => ({
    messageId,
    role,
    text,
    status: state,
    sha256: createHash('sha256').update(text).digest('hex'),
  }));
};

/** The conversation whose answer is half written; resolves once some of it stands. */
const makeRunning = async (origin: string, conversationId: string): Promise<void> => {
  await ask(origin, conversationId, 'running', `count ${RUNNING_WORDS} at 50`);
  await new Promise((done) => setTimeout(done, 2_500));
};

const dumpRedis = async (url: string): Promise<{ key: string; ttlMs: number; dump: string }[]> => {
  const redis = new Redis(url);
  try {
    const keys = (await redis.keys('*')).toSorted();
    return await Promise.all(
      keys.map(async (key) => ({
        key,
        ttlMs: Math.max(0, await redis.pttl(key)),
        dump: (await redis.dumpBuffer(key)).toString('base64'),
      })),
    );
  } finally {
    redis.disconnect();
  }
};

const ofCluster = async (): Promise<LeftBehind> => {
  const cluster = await startCluster({ gateways: 1, ai: 1, audit: true, postgres: true });
  const origin = cluster.gateways[0]!.url;
  const [over, going] = [`over-${randomUUID().slice(0, 8)}`, `going-${randomUUID().slice(0, 8)}`];
  try {
    const messages = await makeEnded(origin, over);
    const audit = cluster.audit!;
    await waitFor(
      async () => {
        const answer = await fetch(`${audit.url}/trail/${over}?limit=200`, { headers: { 'x-runnel-user': USER } });
        return (await answer.text()).includes('MESSAGE_DELETED');
      },
      { deadlineMs: 10_000, what: 'the audit to have the deletion' },
    );
    // What follows is in the outbox only: the next release's audit has to carry it.
    await audit.terminate();
    await makeRunning(origin, going);
    await cluster.ai[0]!.kill();
    const { stdout } = await promisify(execFile)('/usr/lib/postgresql/15/bin/pg_dump', ['--no-owner', '--inserts', cluster.databaseUrl!]);
    await writeFile(join(out, 'postgres.sql'), stdout);
    await writeFile(join(out, 'redis.json'), `${JSON.stringify(await dumpRedis(cluster.redis.url), null, 1)}\n`);
    return { userId: USER, over, going, messages };
  } finally {
    await cluster.close();
    await cluster.removeLogs();
  }
};

const ofStandalone = async (): Promise<LeftBehind> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-release-'));
  const data = join(folder, 'data');
  const pod = new Pod({
    name: 'standalone',
    service: 'standalone',
    port: await freePort(),
    internalPort: await freePort(),
    env: { DATA_DIR: data },
    logDir: folder,
  });
  const [over, going] = [`over-${randomUUID().slice(0, 8)}`, `going-${randomUUID().slice(0, 8)}`];
  try {
    await pod.start();
    const messages = await makeEnded(pod.url, over);
    await makeRunning(pod.url, going);
    await pod.kill();
    await rm(join(out, 'standalone'), { recursive: true, force: true });
    await cp(data, join(out, 'standalone'), { recursive: true });
    return { userId: USER, over, going, messages };
  } finally {
    await pod.kill();
    await rm(folder, { recursive: true, force: true });
  }
};

await mkdir(out, { recursive: true });
const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
const release: Release = { version, cluster: await ofCluster(), standalone: await ofStandalone() };
await writeFile(join(out, 'expected.json'), `${JSON.stringify(release, null, 2)}\n`);
