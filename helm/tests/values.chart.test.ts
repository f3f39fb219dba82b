import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ofOneComponent, pods, valuesSchema } from '../lib/values-schema.ts';
import { valueRows, withValuesTable } from '../lib/values-table.ts';
import { budgetSettings } from '../../services/gateway/src/budgets/settings.ts';
import { configSpec as gatewayConfig } from '../../services/gateway/src/config.ts';
import { CHART, HELMS, LEAST, render, values, workloads } from './chart.ts';

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | object;
  type?: string | string[];
}

const read = (file: string): string => readFileSync(join(CHART, file), 'utf8');
const schema = JSON.parse(read('values.schema.json')) as Schema;

/** Paths of all objects that name their keys, and of what is in them. */
const schemaPaths = ({ properties = {} }: Schema, prefix = ''): string[] =>
  Object.entries(properties).flatMap(([name, child]) => [`${prefix}${name}`, ...schemaPaths(child, `${prefix}${name}.`)]);

const valuePaths = (value: unknown, known: ReadonlySet<string>, prefix = ''): string[] =>
  typeof value !== 'object' || value === null || Array.isArray(value)
    ? []
    : Object.entries(value).flatMap(([name, child]) => {
        const path = `${prefix}${name}`;
        const inner = [...known].some((other) => other.startsWith(`${path}.`)) ? valuePaths(child, known, `${path}.`) : [];
        return [path, ...inner];
      });

describe('values.yaml, values.schema.json and the README say the same', () => {
  test('every value is in the schema, and the schema knows nothing else', () => {
    const inSchema = new Set(schemaPaths(schema));
    // What all pods are like is said once, at the top.
    const knobs = new RegExp(
      `^(gateway|ai|audit|web|operator)\\.(${[...Object.keys(pods), ...Object.keys(ofOneComponent)].join('|')})(\\.|$)`,
    );
    // And a map that is empty until somebody fills it may have keys that only the schema tells.
    const filled = valueRows(read('values.yaml')).filter(({ default: value }) => JSON.stringify(value) === '{}');
    const isOurs = (path: string): boolean => !knobs.test(path) && !filled.some((map) => path.startsWith(`${map.path}.`));
    const inValues = valuePaths(values(), inSchema);
    expect(inValues.filter(isOurs).toSorted()).toEqual([...inSchema].filter(isOurs).toSorted());
  });

  test('every object of the schema refuses unknown keys or says what its values are', () => {
    const check = (node: Schema, path: string): void => {
      // `global` is every chart's.
      if (node.type === 'object' && node.properties !== undefined && path !== 'values.global')
        expect(node.additionalProperties, path).toBe(false);
      for (const [name, child] of Object.entries(node.properties ?? {})) check(child, `${path}.${name}`);
    };
    check(schema, 'values');
  });

  test('the schema is fresh (npm run docs)', () => expect(valuesSchema()).toBe(read('values.schema.json')));

  test('the table of the README is fresh (npm run docs)', () => {
    expect(withValuesTable(read('README.md'), read('values.yaml'))).toBe(read('README.md'));
  });

  test('the table has every value, and each says what it is', () => {
    const rows = valueRows(read('values.yaml'));
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter(({ description }) => description === '').map(({ path }) => path)).toEqual([]);
  });
});

test("S-7 limits of a person are told only when they are set: else the service's own hold, which know of dev mode", () => {
  const budgets = Object.entries(budgetSettings);
  const told = (set: readonly string[]) => {
    const { pod } = workloads(render({ set })).find(({ component }) => component === 'gateway')!;
    return pod.containers[0]!.env!.filter(({ name }) => budgets.some(([, { env }]) => env === name));
  };
  expect(told(LEAST)).toEqual([]);
  const set = budgets.map(([name], index) => `limits.${name}=${index}`);
  const expected = budgets.map(([, { env }], index) => ({ name: env, value: String(index) }));
  expect(told([...LEAST, ...set])).toEqual(expect.arrayContaining(expected));
  // How many API keys a person may have is a door's setting and no budget.
  const described = valueRows(read('values.yaml')).filter(({ path }) => path.startsWith('limits.') && path !== 'limits.maxApiKeysPerUser');
  const same = budgets.map(([name, { description }]) => ({ path: `limits.${name}`, default: null, description }));
  expect(described.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual(same.toSorted((a, b) => a.path.localeCompare(b.path)));
  expect(values()['deviceCopies']).toBe(gatewayConfig.settings.deviceCopies.default);
  const copies = (set: string[]) => {
    const { pod } = workloads(render({ set: [...LEAST, ...set] })).find(({ component }) => component === 'gateway')!;
    return pod.containers[0]!.env!.find(({ name }) => name === 'DEVICE_COPIES')?.value;
  };
  expect([copies([]), copies(['deviceCopies=false'])]).toEqual(['yes', 'no']);
  expect(values()['rateLimitPerMinute']).toBe(gatewayConfig.settings.rateLimitPerMinute.default);
});

describe.each(HELMS)('%s refuses', (tool) => {
  test.each([
    ['an unknown key', [...LEAST, 'gateway.replica=3'], /replica/],
    ['an unknown key at the top', [...LEAST, 'gatway.replicas=3'], /gatway/],
    ['a wrong type', [...LEAST, 'gateway.replicas=many'], /replicas/],
    [
      'S-10 dev behind an ingress',
      ['auth.mode=dev', 'redis.url=redis://r', 'ingress.enabled=true', 'ingress.host=h'],
      /auth\.devModeOpen=true/,
    ],
    [
      'S-12 keys of a provider without an audience',
      ['redis.url=redis://r', 'auth.jwksUrl=https://id/jwks', 'auth.issuer=i'],
      /auth\.audience/,
    ],
    ['no Redis', ['auth.mode=dev'], /Runnel needs a Redis: set redis\.url, redis\.existingSecret/],
    ['jwt without keys', ['redis.url=redis://r'], /auth\.mode=jwt needs auth\.jwksUrl or auth\.existingSecret/],
    [
      'jwt with two kinds of keys',
      ['redis.url=redis://r', 'auth.existingSecret=s', 'auth.jwksUrl=https://id/jwks'],
      /Two kinds of keys are named: set either auth\.jwksUrl or auth\.existingSecret/,
    ],
    ['a sign-in that is no web address', [...LEAST, 'auth.signInUrl=javascript:alert(1)'], /signInUrl/],
    ['a sign-in on another host by accident', [...LEAST, 'auth.signInUrl=//evil.example'], /signInUrl/],
    ['audit without a database', [...LEAST, 'audit.enabled=true'], /audit\.enabled needs a database: set postgres\.url/],
    ['stores that nobody uses', [...LEAST, 'kafka.development.enabled=true'], /serve the audit service only: set audit\.enabled=true/],
    [
      'two databases',
      [...LEAST, 'audit.enabled=true', 'postgres.url=postgres://p/d', 'postgres.development.enabled=true'],
      /Two databases are named/,
    ],
    [
      'TLS for no brokers',
      [...LEAST, 'kafka.tls.enabled=true'],
      /kafka\.tls and kafka\.sasl are for brokers outside the release: set kafka\.brokers/,
    ],
    [
      "an authority for Kafka's certificate without TLS",
      [...LEAST, 'kafka.brokers=k:9093', 'kafka.tls.caSecret=ca'],
      /TLS needs kafka\.tls\.enabled=true/,
    ],
    [
      'SASL without a name',
      [...LEAST, 'kafka.brokers=k:9093', 'kafka.sasl.mechanism=plain'],
      /needs kafka\.existingSecret \(keys KAFKA_USERNAME/,
    ],
    [
      'a name without SASL',
      [...LEAST, 'kafka.brokers=k:9093', 'kafka.existingSecret=k'],
      /kafka\.existingSecret needs kafka\.sasl\.mechanism/,
    ],
    ['a mechanism nobody speaks', [...LEAST, 'kafka.brokers=k:9093', 'kafka.sasl.mechanism=gssapi'], /mechanism/],
    [
      'two scalers',
      [...LEAST, 'ai.autoscaling.enabled=true', 'ai.autoscaling.external=true'],
      /ai\.autoscaling: two scalers fight; set one of enabled/,
    ],
    [
      'bounds the wrong way round',
      [...LEAST, 'gateway.autoscaling.minReplicas=9', 'gateway.autoscaling.maxReplicas=3'],
      /gateway\.autoscaling\.minReplicas is above maxReplicas/,
    ],
    ['a variable the chart sets', [...LEAST, 'ai.env.DRAIN_SECONDS=60'], /ai\.env\.DRAIN_SECONDS is set by the chart \(drainSeconds\)/],
    ['ingress without a host', [...LEAST, 'ingress.enabled=true'], /ingress\.enabled needs ingress\.host/],
    [
      'Gateway API without a Gateway',
      [...LEAST, 'ingress.enabled=true', 'ingress.host=h', 'ingress.controller=gateway-api'],
      /needs ingress\.gatewayName/,
    ],
    [
      'cookies by Gateway API',
      [
        ...LEAST,
        'ingress.enabled=true',
        'ingress.host=h',
        'ingress.controller=gateway-api',
        'ingress.gatewayName=g',
        'ingress.routing=cookie',
      ],
      /use round-robin, which loses nothing/,
    ],
  ])('%s, and says what to set', (_what, set, sentence) => {
    expect(() => render({ set, tool })).toThrow(sentence);
  });
});

test('every variable that the chart gives its services is refused in their env', () => {
  const kafka = [
    'brokers=k:9093',
    'topicPrefix=a',
    'groupPrefix=a',
    'tls.enabled=true',
    'tls.caSecret=ca',
    'tls.clientSecret=cc',
    'sasl.mechanism=plain',
    'existingSecret=k',
  ].map((one) => `kafka.${one}`);
  const set = [
    ...LEAST,
    'audit.enabled=true',
    'postgres.url=postgres://p/d',
    ...kafka,
    'tracing.endpoint=http://otel:4318',
    'redis.keyPrefix=a',
  ];
  const files = ['redis.tls.caSecret=a', 'redis.tls.clientSecret=b', 'postgres.tls.caSecret=a', 'postgres.tls.clientSecret=b'];
  const all = render({
    set: [
      ...set,
      ...files,
      'auth.mode=jwt',
      'auth.jwksUrl=https://id/jwks',
      'auth.issuer=https://id',
      'auth.audience=runnel',
      'auth.signInUrl=/go',
      'corsOrigins={https://a.example}',
      'trustedCA.configMap=ca',
    ],
  });
  for (const { component, pod } of workloads(all).filter(({ component }) => /^(gateway|ai|audit)$/.test(component)))
    for (const { name } of (pod.containers[0]!.env ?? []).filter((variable) => variable.name !== 'NODE_OPTIONS'))
      expect(() => render({ set: [...set, `${component}.env.${name}=x`] }), name).toThrow(`${component}.env.${name} is set by the chart`);
});

test('S-6 the heap of each service follows its memory limit, unless the operator says otherwise', () => {
  const heaps = (set: readonly string[]): Record<string, string | undefined> =>
    Object.fromEntries(
      workloads(render({ set: [...LEAST, 'audit.enabled=true', 'postgres.url=postgres://p/d', ...set] }))
        .filter(({ component }) => /^(gateway|ai|audit)$/.test(component))
        .map(({ component, pod }) => [component, pod.containers[0]!.env!.find(({ name }) => name === 'NODE_OPTIONS')?.value]),
    );
  expect(heaps([])).toEqual({ gateway: '--max-old-space-size=341', ai: '--max-old-space-size=256', audit: '--max-old-space-size=341' });
  expect(heaps(['gateway.resources.limits.memory=2Gi', 'ai.env.NODE_OPTIONS=--trace-gc', 'audit.resources.limits.memory=500M'])).toEqual({
    gateway: '--max-old-space-size=1365',
    ai: '--trace-gc',
    audit: undefined,
  });
});

test('authorities of the operator reach every container that talks to stores, migrations included', () => {
  for (const database of ['postgres.url=postgres://p/d', 'postgres.development.enabled=true']) {
    const found = workloads(render({ set: [...LEAST, 'audit.enabled=true', database, 'trustedCA.configMap=company'] }));
    for (const { component, pod } of found.filter(({ component }) => /^(gateway|ai|audit|migrate)$/.test(component))) {
      expect(JSON.stringify(pod.volumes), component).toContain('"configMap":{"name":"company"');
      for (const { name, env = [], volumeMounts = [] } of [...pod.containers, ...(pod.initContainers ?? [])]) {
        expect(env, name).toContainEqual({ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/runnel/ca/ca.crt' });
        expect(volumeMounts, name).toContainEqual({ name: 'ca', mountPath: '/etc/runnel/ca', readOnly: true });
      }
    }
  }
});

test('no secret is ever in a manifest: passwords come from Secrets', () => {
  const text = JSON.stringify(render({ profile: 'external-values.yaml' }));
  expect(text).not.toMatch(/"JWT_SECRET","value"|"DATABASE_URL","value"|"REDIS_URL","value"|"KAFKA_PASSWORD","value"/);
});
