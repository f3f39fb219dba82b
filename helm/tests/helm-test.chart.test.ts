import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { startStack } from '../../observability/testing/stack.ts';
import { render, workloads } from './chart.ts';

const REDIS = 'redis.url=redis://redis:6379';
const JWT = [REDIS, 'auth.issuer=https://id.example.org', 'auth.audience=runnel'];
const SECRET = 'a secret of more than thirty-two characters';
const GATEWAY = { AUTH_MODE: 'jwt', JWT_SECRET: SECRET, JWT_ISSUER: 'https://id.example.org', JWT_AUDIENCE: 'runnel' };
const NO_COUNT = JSON.stringify([{ id: 'demo', provider: 'demo' }]);

interface Reference {
  secretKeyRef: { name: string; key: string };
}

/** Runs what the pod of `helm test` runs, with its environment, against a gateway on this port. */
const helmTest = (port: number, set: readonly string[], secrets: Record<string, string> = {}): Promise<{ code: number; said: string }> => {
  const { command, env = [] } = workloads(render({ set })).find(({ component }) => component === 'test')!.pod.containers[0]!;
  const variables = env.map(({ name, value, valueFrom }) => {
    const { secretKeyRef } = (valueFrom ?? {}) as Partial<Reference>;
    return [name, value ?? secrets[`${secretKeyRef?.name}/${secretKeyRef?.key}`]];
  });
  const args = command!.slice(1).map((word) => word.replace(/^http:\/\/runnel-gateway:8080$/, `http://127.0.0.1:${port}`));
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: Object.fromEntries(variables) as NodeJS.ProcessEnv }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), said: `${stdout}${stderr}` }),
    );
  });
};

test('helm test streams, cuts, resumes and compares, where anybody may come in', async () => {
  await using stack = await startStack();
  expect(await helmTest(stack.port, ['auth.mode=dev', REDIS])).toEqual({ code: 0, said: '1599 bytes, one cut, hash equal\n' });
});

test('helm test signs a token for itself with the JWT_SECRET, and asks the default model where nothing counts', async () => {
  await using stack = await startStack({ ...GATEWAY, MODELS: NO_COUNT });
  const { code, said } = await helmTest(stack.port, [...JWT, 'auth.existingSecret=keys'], { 'keys/JWT_SECRET': SECRET });
  expect(said).toMatch(/^\d+ bytes, one cut, hash equal\n$/);
  expect(code).toBe(0);
});

test('helm test says what to set when tokens come from elsewhere, and takes the one it is given', async () => {
  await using stack = await startStack(GATEWAY);
  const set = [...JWT, 'auth.jwksUrl=https://id.example.org/jwks'];
  const without = await helmTest(stack.port, set);
  expect(without).toEqual({ code: 1, said: expect.stringMatching(/set auth\.testTokenSecret to a Secret/) });
  const wrong = await helmTest(stack.port, [...set, 'auth.testTokenSecret=token'], { 'token/RUNNEL_TOKEN': 'not.a.token' });
  expect(wrong).toEqual({ code: 1, said: expect.stringMatching(/GET \/api\/models: 401/) });
});

test('A-5 helm test takes an API key, where people sign in with a provider', async () => {
  await using stack = await startStack(GATEWAY);
  const claims = { sub: 'ann', iss: GATEWAY.JWT_ISSUER, aud: GATEWAY.JWT_AUDIENCE, exp: Math.floor(Date.now() / 1000) + 600 };
  const signed = [{ alg: 'HS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const token = `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
  const made = await fetch(`http://127.0.0.1:${stack.port}/api/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'helm test', scopes: ['chat'] }),
  });
  const { key } = (await made.json()) as { key: string };
  const oidc = ['auth.mode=oidc', 'auth.clientId=runnel', 'auth.issuer=https://id.example.org', 'auth.publicUrl=https://chat.example.org'];
  const set = [REDIS, ...oidc, 'auth.testTokenSecret=key'];
  const { code, said } = await helmTest(stack.port, set, { 'key/RUNNEL_TOKEN': key });
  expect(said).toMatch(/^\d+ bytes, one cut, hash equal\n$/);
  expect(code).toBe(0);
  const ended = await helmTest(stack.port, set, { 'key/RUNNEL_TOKEN': `${key.slice(0, -1)}_` });
  expect(ended).toEqual({ code: 1, said: expect.stringMatching(/GET \/api\/models: 401/) });
});

test('the prober is a CronJob that does what helm test does, in a pod that the same policies let through', () => {
  const kinds = (set: readonly string[]) => render({ set: ['auth.mode=dev', REDIS, ...set] });
  expect(kinds([]).filter(({ kind }) => kind === 'CronJob')).toEqual([]);
  const manifests = kinds(['prober.enabled=true', 'prober.schedule=7 * * * *', 'prober.keepSeconds=60']);
  const [job, ...others] = manifests.filter(({ kind }) => kind === 'CronJob');
  expect(others).toEqual([]);
  const { schedule, concurrencyPolicy, jobTemplate } = job!.spec as unknown as {
    schedule: string;
    concurrencyPolicy: string;
    jobTemplate: { spec: { ttlSecondsAfterFinished: number; template: { metadata: { labels: Record<string, string> }; spec: object } } };
  };
  expect([schedule, concurrencyPolicy, jobTemplate.spec.ttlSecondsAfterFinished]).toEqual(['7 * * * *', 'Forbid', 60]);
  const test = manifests.find(({ kind, metadata }) => kind === 'Pod' && metadata.name.endsWith('-test'))!;
  expect(jobTemplate.spec.template.spec).toEqual(test.spec);
  expect(jobTemplate.spec.template.metadata.labels).toMatchObject({ 'app.kubernetes.io/component': 'test' });
});
