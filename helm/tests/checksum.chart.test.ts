import { expect, test } from 'vitest';
import { LEAST, render, workloads, type Manifest } from './chart.ts';
import { renderInCluster, type Held } from './cluster.ts';

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

const asked = async (held: Held) => checksums(await renderInCluster(held, SET));

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
    ['Secret/keys', 'JWT_SECRET_PREVIOUS', ['gateway']],
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
