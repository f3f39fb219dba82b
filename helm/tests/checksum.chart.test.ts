import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { expect, test } from 'vitest';
import { goTool } from '../../scripts/go-tools.mjs';
import { CHART, LEAST, render, workloads, type Manifest } from './chart.ts';

/** What an operator keeps outside the chart: `Secret/name` to its data. */
type Held = Record<string, Record<string, string>>;

const KINDS = ['Secret', 'ConfigMap'].map((kind) => ({ kind, name: `${kind.toLowerCase()}s`, namespaced: true, verbs: ['get'] }));
const VERSION = { major: '1', minor: '36', gitVersion: 'v1.36.0' };

/** As much of the Kubernetes API as a chart's `lookup` asks. */
const withCluster = async <T>(held: Held, use: (url: string) => Promise<T>): Promise<T> => {
  const answer = (path: string): object => {
    const [, kind, name] = /^\/api\/v1\/namespaces\/chat\/(secrets|configmaps)\/(.+)$/.exec(path) ?? [];
    const full = kind === undefined ? '' : `${kind === 'secrets' ? 'Secret' : 'ConfigMap'}/${name}`;
    if (held[full]) return { apiVersion: 'v1', kind: full.split('/')[0], metadata: { name, namespace: 'chat' }, data: held[full] };
    if (path === '/version') return VERSION;
    if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
    if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [] };
    if (path === '/api/v1') return { kind: 'APIResourceList', groupVersion: 'v1', resources: KINDS };
    return { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
  };
  const server = createServer((request, response) => {
    const body = answer(new URL(request.url!, 'http://cluster').pathname);
    response.writeHead('code' in body ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

const SET = [
  'redis.existingSecret=store',
  'auth.existingSecret=keys',
  'ai.existingSecret=providers',
  'audit.enabled=true',
  'audit.checkpointSecret=signing',
  'postgres.existingSecret=database',
  'kafka.brokers=k:9093',
  'kafka.tls.enabled=true',
  'kafka.tls.caSecret=kafka-ca',
  'kafka.sasl.mechanism=plain',
  'kafka.existingSecret=kafka',
  'trustedCA.configMap=company',
];

/** Of each service, what its pods say of the configuration they read. */
const checksums = (manifests: readonly Manifest[]): Record<string, string | undefined> =>
  Object.fromEntries(
    workloads(manifests)
      .filter(({ component }) => /^(gateway|ai|audit)$/.test(component))
      .map(({ component, manifest }) => {
        const { metadata } = manifest.spec.template as { metadata: { annotations?: Record<string, string> } };
        return [component, metadata.annotations?.['checksum/config']];
      }),
  );

/** By Helm 3: Helm 4 has the same `lookup`, but asks the cluster about every object besides. */
const asked = (held: Held) =>
  withCluster(held, async (url) => {
    const args = ['template', 'runnel', CHART, '--namespace', 'chat', '--dry-run=server', '--kube-apiserver', url];
    const { stdout } = await promisify(execFile)(goTool('helm3'), [...args, ...SET.flatMap((value) => ['--set', value])]);
    return checksums(parseAllDocuments(stdout).map((document) => document.toJS() as Manifest));
  });

const HELD: Held = {
  'Secret/store': { REDIS_URL: 'cmVkaXM6Ly9h' },
  'Secret/keys': { JWT_SECRET: 'YQ==' },
  'Secret/providers': { OPENAI_API_KEY: 'YQ==' },
  'Secret/database': { DATABASE_URL: 'YQ==' },
  'Secret/signing': { CHECKPOINT_KEY: 'YQ==' },
  'Secret/kafka': { KAFKA_USERNAME: 'YQ==', KAFKA_PASSWORD: 'YQ==' },
  'Secret/kafka-ca': { 'ca.crt': 'YQ==', 'tls.key': 'YQ==' },
  'ConfigMap/company': { 'ca.crt': 'YQ==' },
};
const ALL = ['ai', 'audit', 'gateway'];

test('an upgrade replaces the pods that read a Secret or ConfigMap which has changed, and no others', async () => {
  const before = await asked(HELD);
  expect(Object.values(before).every((sum) => /^[0-9a-f]{64}$/.test(sum ?? ''))).toBe(true);
  expect(await asked(HELD)).toEqual(before);
  const readers: [string, string, string[]][] = [
    ['Secret/store', 'REDIS_URL', ALL],
    ['ConfigMap/company', 'ca.crt', ALL],
    ['Secret/keys', 'JWT_SECRET', ['gateway']],
    ['Secret/providers', 'OPENAI_API_KEY', ['ai']],
    ['Secret/providers', 'A_NEW_KEY', ['ai']],
    ['Secret/database', 'DATABASE_URL', ['audit']],
    ['Secret/signing', 'CHECKPOINT_KEY', ['audit']],
    ['Secret/kafka', 'KAFKA_PASSWORD', ['audit']],
    ['Secret/kafka-ca', 'ca.crt', ['audit']],
    ['Secret/kafka-ca', 'tls.key', []],
  ];
  for (const [object, key, services] of readers) {
    const after = await asked({ ...HELD, [object]: { ...HELD[object], [key]: 'Yg==' } });
    const replaced = ALL.filter((service) => after[service] !== before[service]);
    expect(replaced, `${object} ${key}`).toEqual(services);
  }
});

test('what only renders says the same each time, and pods without such objects say nothing', () => {
  expect(checksums(render({ set: SET }))).toEqual(checksums(render({ set: SET })));
  expect(checksums(render({ set: LEAST }))).toEqual({ gateway: undefined, ai: undefined });
});
