import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { INTERNAL_TOKEN, startCluster, waitFor, type Cluster, type ClusterOptions } from '../harness/index.ts';
import { commandIn, commandsOf, inShell } from './document.ts';

const DEADLINE_MS = 180_000;
const OLD_SECRET = 'the-secret-of-before-0123456789-abcdef';
const NEW_SECRET = 'the-secret-of-today-9876543210-fedcba';

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token as a company's own issuer makes it. */
const tokenOf = (sub: string, secret: string, scope?: string): string => {
  const now = Math.floor(Date.now() / 1_000);
  const body = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64({ sub, iat: now, exp: now + 3_600, ...(scope && { scope }) })}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
};

const clusterOf = async (options: ClusterOptions): Promise<Cluster> => {
  const cluster = await startCluster(options);
  onTestFinished(async () => {
    await cluster.close();
    await cluster.removeLogs();
  });
  return cluster;
};
const ask = async (
  url: string,
  token: string,
  method = 'GET',
  body?: object,
): Promise<{ status: number; json: Record<string, unknown> }> => {
  const answer = await fetch(url, {
    method,
    signal: AbortSignal.timeout(20_000),
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {} };
};
/** An answer of a person's, whole and in the database. */
const converse = async ({ gateways, audit }: Cluster, token: string, conversationId: string, userId: string): Promise<void> => {
  const asked = { conversationId, messageId: `q-${conversationId}`, text: 'count 5 at 100' };
  expect((await ask(`${gateways[0]!.url}/api/chat`, token, 'POST', asked)).status).toBe(202);
  const stored = `${audit!.url}/history/${conversationId}`;
  await waitFor(
    async () => {
      const answer = await fetch(stored, { headers: { authorization: `Bearer ${INTERNAL_TOKEN}`, 'x-runnel-user': userId } });
      const { messages } = (await answer.json()) as { messages?: unknown[] };
      return messages?.length === 2;
    },
    { deadlineMs: 60_000, what: `${conversationId} in the database` },
  );
};
const verified = ({ databaseUrl }: Cluster): Promise<string> =>
  inShell('npm run --silent audit -- verify', { env: { DATABASE_URL: databaseUrl! }, instead: {} });
const JWT = { gatewayEnv: { AUTH_MODE: 'jwt', JWT_SECRET: OLD_SECRET } };

test(
  'the commands of "Legal hold" set one, show what its person deleted, and end it; the trail tells of both and is whole',
  async () => {
    const cluster = await clusterOf({ gateways: 1, ai: 1, audit: true, ...JWT });
    const ann = tokenOf('ann', OLD_SECRET);
    await converse(cluster, ann, 'held', 'ann');
    const [header, set, list, kept, end] = commandsOf('Legal hold');
    const env: Record<string, string> = { INTERNAL_TOKEN };
    const run = (command: string): Promise<string> =>
      inShell(`set -euo pipefail\n${header}\n${command.replace('curl ', 'curl --silent --show-error --fail --max-time 20 ')}`, {
        env,
        instead: { 'http://127.0.0.1:8082': cluster.audit!.url },
      });
    const { hold } = JSON.parse(await run(set!)) as { hold: string };
    env['HOLD'] = hold;
    expect(JSON.parse(await run(list!))).toMatchObject({ holds: [{ hold, user: 'ann', matter: 'case 7' }] });
    expect((await ask(`${cluster.gateways[0]!.url}/api/history/held`, ann, 'DELETE')).status).toBeLessThan(300);
    await waitFor(async () => (await run(kept!)).includes('count 5 at 100'), { deadlineMs: 60_000, what: 'the copy of what was deleted' });
    expect(JSON.parse(await run(list!))).toMatchObject({ holds: [{ hold }] });
    await run(end!);
    expect(JSON.parse(await run(list!))).toEqual({ holds: [] });
    await expect(run(kept!)).rejects.toThrow('404');
    // Nobody without the token sets, sees or ends one.
    for (const [method, path] of [
      ['GET', '/holds'],
      ['POST', '/holds'],
      ['DELETE', `/holds/${hold}?admin=root`],
      ['GET', `/holds/${hold}/kept`],
    ] as const)
      expect((await ask(`${cluster.audit!.url}${path}`, ann, method)).status).toBe(401);
    expect(await verified(cluster)).toMatch(/^whole/);
  },
  DEADLINE_MS,
);

test(
  'the commands of "Giving a person what is kept of them" and of "Erasing a user" do what the page says, and leave a trail that is whole',
  async () => {
    const cluster = await clusterOf({ gateways: 1, ai: 1, audit: true, ...JWT });
    const gateway = cluster.gateways[0]!.url;
    await converse(cluster, tokenOf('ann', OLD_SECRET), 'of-ann', 'ann');
    const admin = tokenOf('root', OLD_SECRET, 'admin');
    const folder = await mkdtemp(join(tmpdir(), 'runnel-recipe-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const [take, look] = commandsOf('Giving a person what is kept of them');
    const here = { env: { TOKEN: admin }, instead: { 'https://chat.example.org': gateway }, cwd: folder };
    await inShell(take!, here);
    expect(JSON.parse(await inShell(look!, here))).toMatchObject({ type: 'end' });
    expect(await readFile(join(folder, 'ann.ndjson'), 'utf8')).toContain('count 5 at 100');
    // The same with the token of somebody who may not.
    await inShell(take!, { ...here, env: { TOKEN: tokenOf('ann', OLD_SECRET) } });
    expect(await readFile(join(folder, 'ann.ndjson'), 'utf8')).not.toContain('of-ann');

    const [method, path] = commandIn('Erasing a user', 'DELETE /api/admin/users/{user}').split(' ');
    const erased = await waitFor(
      async () => {
        const { json } = await ask(`${gateway}${path!.replace('{user}', 'ann')}`, admin, method!);
        return json['forgotten'] === true ? json : undefined;
      },
      { deadlineMs: 60_000, everyMs: 500, what: 'forgotten by every store' },
    );
    expect(erased).toMatchObject({ forgotten: true });
    expect(await verified(cluster)).toMatch(/^whole/);
  },
  DEADLINE_MS,
);

test(
  'JWT_SECRET is rotated as "Rotate secrets" says: tokens of both are good meanwhile, then those of the old one are refused',
  async () => {
    commandIn('Rotate secrets', 'JWT_SECRET_PREVIOUS');
    const cluster = await clusterOf({ gateways: 2, ai: 1, ...JWT });
    const [before, after] = [tokenOf('ann', OLD_SECRET), tokenOf('ann', NEW_SECRET)];
    const restart = async (settings: Record<string, string>): Promise<void> => {
      for (const gateway of cluster.gateways) {
        await gateway.terminate();
        delete gateway.spec.env['JWT_SECRET_PREVIOUS'];
        Object.assign(gateway.spec.env, settings);
        await gateway.start();
      }
    };
    const statuses = (): Promise<number[]> =>
      Promise.all(cluster.gateways.flatMap(({ url }) => [before, after].map(async (token) => (await ask(`${url}/api/me`, token)).status)));
    expect(await statuses()).toEqual([200, 401, 200, 401]);
    await restart({ JWT_SECRET: NEW_SECRET, JWT_SECRET_PREVIOUS: OLD_SECRET });
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    await restart({ JWT_SECRET: NEW_SECRET });
    expect(await statuses()).toEqual([401, 200, 401, 200]);
  },
  DEADLINE_MS,
);
