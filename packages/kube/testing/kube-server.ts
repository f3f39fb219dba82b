import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '@runnel/kit';
import { freePort } from '@runnel/kit/testing';
import { createKubeApi, type KubeAccount, type KubeApi } from '../src/index.ts';
import { assets } from './programs.ts';

export interface KubeServer {
  url: string;
  /** May do everything. */
  admin: KubeAccount;
  api: KubeApi;
  /** A user of one's own, for rights that a test gives. */
  account(user: string): KubeAccount;
  /** Runs kubectl as the administrator; its output. Undefined where there is none. */
  kubectl: ((...args: string[]) => Promise<string>) | undefined;
  /** The server is gone, with what it holds kept; and back, at the same address. */
  stop(how?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const USERS = ['admin', 'operator', 'stranger'];
const START_MS = 90_000;

/** A real etcd and a real kube-apiserver on loopback, without nodes: what is created stays as it is, for nothing runs it. Up in some seconds. */
export const startKubeServer = async (namespace = 'chat'): Promise<KubeServer> => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-kube-'));
  const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const keys = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  await writeFile(join(dir, 'sa.key'), keys.privateKey);
  await writeFile(join(dir, 'sa.pub'), keys.publicKey);
  await writeFile(
    join(dir, 'tokens.csv'),
    USERS.map((user) => `${user}-token,${user},${user}${user === 'admin' ? ',system:masters' : ''}`).join('\n'),
  );
  await mkdir(join(dir, 'pki'));
  const run = (program: string, args: string[]): ChildProcess => {
    const child = spawn(join(assets!, program), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    // Read, so that it never waits for us; the end of it is told when it does not come up.
    child.stderr!.on('data', (part: Buffer) => (words = `${words}${part}`.slice(-2_000)));
    return child;
  };
  let words = '';
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = run('etcd', [
    ...['--data-dir', join(dir, 'etcd'), '--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `default=${peerUrl}`],
    ...['--unsafe-no-fsync', '--log-level', 'error'],
  ]);
  const url = `https://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;

  const accountOf = (user: string, ca: string): KubeAccount => ({ server: url, namespace, ca, token: async () => `${user}-token` });
  const start = async (): Promise<void> => {
    server = run('kube-apiserver', [
      ...['--etcd-servers', etcdUrl, '--bind-address', '127.0.0.1', '--secure-port', String(port), '--cert-dir', join(dir, 'pki')],
      ...['--service-cluster-ip-range', '10.0.0.0/24', '--service-account-issuer', url, '--token-auth-file', join(dir, 'tokens.csv')],
      ...['--service-account-key-file', join(dir, 'sa.pub'), '--service-account-signing-key-file', join(dir, 'sa.key')],
      ...[
        '--authorization-mode',
        'RBAC',
        '--profiling=false',
        '--disable-admission-plugins',
        'ServiceAccount',
        '--shutdown-delay-duration=0',
      ],
    ]);
    await waitFor(
      async () => {
        const ca = await readFile(join(dir, 'pki/apiserver.crt'), 'utf8');
        const asking = createKubeApi(accountOf('admin', ca), { deadlineMs: 1_000 });
        return await asking.get('/apis/apps/v1/namespaces/default/deployments').finally(() => asking.close());
      },
      { deadlineMs: START_MS, everyMs: 200, what: 'the API server' },
    ).catch((cause: unknown) => {
      throw new Error(words, { cause });
    });
  };
  const stop = async (how: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (server === undefined) return;
    const ended = once(server, 'exit');
    server.kill(how);
    server = undefined;
    await ended;
  };

  await start();
  const ca = await readFile(join(dir, 'pki/apiserver.crt'), 'utf8');
  const admin = accountOf('admin', ca);
  const api = createKubeApi(admin);
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const program = join(assets!, 'kubectl');
  const kubectl = async (...args: string[]): Promise<string> => {
    const at = ['--server', url, '--token', 'admin-token', '--certificate-authority', join(dir, 'pki/apiserver.crt'), '-n', namespace];
    const child = spawn(program, [...at, ...args], { env: { HOME: dir, PATH: process.env['PATH'] } });
    let told = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (told += String(part)));
    const [code] = (await once(child, 'close')) as [number];
    if (code !== 0) throw new Error(told);
    return told;
  };
  return {
    ...{ url, admin, api, start, stop },
    account: (user) => accountOf(user, ca),
    kubectl: existsSync(program) ? kubectl : undefined,
    async close() {
      await api.close();
      await stop();
      const ended = once(etcd, 'exit');
      etcd.kill('SIGKILL');
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
};
