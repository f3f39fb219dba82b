import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { connectRedis, createRedisRunLog, openStoreAddress } from '../src/index.ts';
import { freePort } from '@runnel/kit/testing';
import { startRedis, waitFor, type TestRedis } from '../testing/index.ts';

// A Redis that asks who we are by a certificate, of an authority that Node does not know.

let folder: string;
let redis: TestRedis;
let tlsPort: number;
const at = (name: string): { path: string; text: string } => ({ path: join(folder, name), text: '' });

const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
const authority = (name: string): void =>
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
  );
const signed = (name: string, by: string): void => {
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  const of = ['-CA', `${by}.crt`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', '2', '-extfile', 'san'];
  openssl('x509', '-req', '-in', `${name}.csr`, ...of, '-out', `${name}.crt`);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runnel-redis-tls-'));
  writeFileSync(join(folder, 'san'), 'subjectAltName=IP:127.0.0.1\n');
  for (const name of ['ca', 'other']) authority(name);
  for (const name of ['server', 'client']) signed(name, 'ca');
  signed('stranger', 'other');
  tlsPort = await freePort();
  const files = ['cert-file', 'server.crt', 'key-file', 'server.key', 'ca-cert-file', 'ca.crt'];
  const args = files.map((word, index) => (index % 2 === 0 ? `--tls-${word}` : join(folder, word)));
  redis = await startRedis({ args: ['--tls-port', String(tlsPort), '--tls-auth-clients', 'yes', ...args] });
});
afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true });
});

const settings = (files: { ca?: string; cert?: string; key?: string }) => ({
  redisUrl: `rediss://127.0.0.1:${tlsPort}`,
  redisKeyPrefix: '',
  redisCaFile: files.ca === undefined ? undefined : at(files.ca),
  redisCertFile: files.cert === undefined ? undefined : at(files.cert),
  redisKeyFile: files.key === undefined ? undefined : at(files.key),
});
const answers = async (files: Parameters<typeof settings>[0]): Promise<boolean> => {
  const errors: Error[] = [];
  const client = connectRedis(openStoreAddress(settings(files)), (error) => errors.push(error));
  onTestFinished(() => client.disconnect());
  let ready = false;
  client.once('ready', () => (ready = true));
  await waitFor(() => ready || errors.length > 0, { deadlineMs: 10_000, what: 'Redis to say yes or no' });
  return ready;
};

test('with its authority and our certificate the log works, commands, channels and large reads alike', async () => {
  const url = openStoreAddress(settings({ ca: 'ca.crt', cert: 'client.crt', key: 'client.key' }));
  const log = createRedisRunLog({ url });
  onTestFinished(() => log.close());
  await waitFor(
    () =>
      log.ping().then(
        () => true,
        () => false,
      ),
    { deadlineMs: 10_000, what: 'the store to answer' },
  );
  const heard: string[] = [];
  await log.follow('c', { message: (bytes: Buffer) => void heard.push(Buffer.from(bytes).toString()), resubscribed: () => {} });
  await log.beginRun({
    conversationId: 'c',
    userId: 'ann',
    runId: 'r',
    model: 'm',
    message: { messageId: 'p', text: 'hello' },
    title: 't',
  });
  await waitFor(() => heard.some((line) => line.includes('hello')), { deadlineMs: 5_000, what: 'the prompt on its channel' });
});

test.each([
  ['no authority', { cert: 'client.crt', key: 'client.key' }],
  ['no certificate of ours', { ca: 'ca.crt' }],
  ['a stranger’s certificate', { ca: 'ca.crt', cert: 'stranger.crt', key: 'stranger.key' }],
  ['another authority', { ca: 'other.crt', cert: 'client.crt', key: 'client.key' }],
])('with %s nobody is connected', async (_, files) => {
  expect(await answers(files)).toBe(false);
});

test('half a pair, and files without TLS, are told at the start', () => {
  expect(() => openStoreAddress(settings({ ca: 'ca.crt', cert: 'client.crt' }))).toThrow('go together');
  expect(() => openStoreAddress({ ...settings({ ca: 'ca.crt' }), redisUrl: 'redis://127.0.0.1' })).toThrow('begins with rediss');
});
