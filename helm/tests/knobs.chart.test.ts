import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ofOneComponent, pods } from '../lib/values-schema.ts';
import { LEAST, render, renderValues, workloads, type Manifest, type PodSpec } from './chart.ts';

const COMPONENTS = ['gateway', 'ai', 'audit', 'web'] as const;
const BASE = { auth: { mode: 'dev' }, redis: { url: 'redis://redis:6379' }, audit: { enabled: true }, postgres: { url: 'postgres://p/d' } };

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'runnel-knobs-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const rendered = (values: Record<string, unknown>): Manifest[] => {
  const file = join(folder, 'values.json');
  writeFileSync(file, JSON.stringify({ ...BASE, ...values }));
  return renderValues(file);
};

interface Deployment {
  metadata: Manifest['metadata'];
  spec: Record<string, unknown> & {
    template: { metadata: Manifest['metadata']; spec: PodSpec & Record<string, unknown> };
  };
}
const deployment = (manifests: readonly Manifest[], name: string): Deployment =>
  manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === `runnel-${name}`) as unknown as Deployment;
const main = (of: Deployment): Record<string, unknown> => of.spec.template.spec.containers[0] as unknown as Record<string, unknown>;
const field = (name: string) => (of: Deployment) => of.spec.template.spec[name];

interface Knob {
  /** What an operator sets for all, and what for one component. */
  all: unknown;
  one: unknown;
  /** Where it is found in a Deployment. */
  at(of: Deployment): unknown;
  /** What a component with its own has: replaced, put together, or joined. */
  how: 'replaces' | 'merges' | 'joins';
}
const other = (name: string) => ({ name, image: `example.org/${name}:1` });

const KNOBS: Record<string, Knob> = {
  podAnnotations: { all: { a: 'x' }, one: { b: 'y' }, at: (of) => of.spec.template.metadata.annotations, how: 'merges' },
  podLabels: { all: { a: 'x' }, one: { b: 'y' }, at: (of) => of.spec.template.metadata.labels, how: 'merges' },
  deploymentAnnotations: { all: { a: 'x' }, one: { b: 'y' }, at: (of) => of.metadata.annotations, how: 'merges' },
  nodeSelector: { all: { pool: 'a' }, one: { pool: 'b' }, at: field('nodeSelector'), how: 'replaces' },
  tolerations: { all: [{ key: 'a', operator: 'Exists' }], one: [{ key: 'b', value: 'c' }], at: field('tolerations'), how: 'replaces' },
  affinity: { all: { podAffinity: { x: 1 } }, one: { nodeAffinity: { y: 2 } }, at: field('affinity'), how: 'replaces' },
  priorityClassName: { all: 'low', one: 'high', at: field('priorityClassName'), how: 'replaces' },
  runtimeClassName: { all: 'gvisor', one: 'kata', at: field('runtimeClassName'), how: 'replaces' },
  schedulerName: { all: 'mine', one: 'yours', at: field('schedulerName'), how: 'replaces' },
  hostAliases: {
    all: [{ ip: '10.0.0.1', hostnames: ['a'] }],
    one: [{ ip: '10.0.0.2', hostnames: ['b'] }],
    at: field('hostAliases'),
    how: 'replaces',
  },
  dnsPolicy: { all: 'Default', one: 'None', at: field('dnsPolicy'), how: 'replaces' },
  dnsConfig: { all: { nameservers: ['10.0.0.1'] }, one: { searches: ['x'] }, at: field('dnsConfig'), how: 'replaces' },
  podSecurityContext: { all: { fsGroup: 7 }, one: { runAsUser: 1_000_650_000 }, at: field('securityContext'), how: 'merges' },
  securityContext: { all: { runAsUser: 7 }, one: { procMount: 'Default' }, at: (of) => main(of)['securityContext'], how: 'merges' },
  extraEnv: {
    all: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
    one: [{ name: 'B', value: '1' }],
    at: (of) => main(of)['env'],
    how: 'joins',
  },
  extraEnvFrom: { all: [{ secretRef: { name: 'a' } }], one: [{ prefix: 'X_' }], at: (of) => main(of)['envFrom'], how: 'joins' },
  extraVolumes: { all: [{ name: 'a', emptyDir: {} }], one: [{ name: 'b', emptyDir: {} }], at: field('volumes'), how: 'joins' },
  extraVolumeMounts: {
    all: [{ name: 'a', mountPath: '/a' }],
    one: [{ name: 'b', mountPath: '/b' }],
    at: (of) => main(of)['volumeMounts'],
    how: 'joins',
  },
  initContainers: { all: [other('a')], one: [other('b')], at: field('initContainers'), how: 'replaces' },
  extraContainers: { all: [other('a')], one: [other('b')], at: (of) => of.spec.template.spec.containers.slice(1), how: 'replaces' },
  startupProbe: { all: { failureThreshold: 7 }, one: { periodSeconds: 8 }, at: (of) => main(of)['startupProbe'], how: 'merges' },
  readinessProbe: { all: { failureThreshold: 7 }, one: { periodSeconds: 8 }, at: (of) => main(of)['readinessProbe'], how: 'merges' },
  livenessProbe: { all: { failureThreshold: 7 }, one: { periodSeconds: 8 }, at: (of) => main(of)['livenessProbe'], how: 'merges' },
  deploymentStrategy: { all: { type: 'Recreate' }, one: { type: 'RollingUpdate' }, at: (of) => of.spec['strategy'], how: 'replaces' },
  revisionHistoryLimit: { all: 0, one: 3, at: (of) => of.spec['revisionHistoryLimit'], how: 'replaces' },
  minReadySeconds: { all: 5, one: 3, at: (of) => of.spec['minReadySeconds'], how: 'replaces' },
  progressDeadlineSeconds: { all: 5, one: 3, at: (of) => of.spec['progressDeadlineSeconds'], how: 'replaces' },
  topologySpreadConstraints: {
    all: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} }],
    one: [{ maxSkew: 2, topologyKey: 'host', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: {} }],
    at: field('topologySpreadConstraints'),
    how: 'replaces',
  },
};

const containing = (value: unknown): unknown =>
  Array.isArray(value)
    ? (expect.arrayContaining(value) as unknown)
    : typeof value === 'object'
      ? (expect.objectContaining(value as object) as unknown)
      : value;

test('every knob of pods is tried here', () => {
  expect([...Object.keys(KNOBS), 'service'].toSorted()).toEqual(Object.keys(pods).toSorted());
  expect(Object.keys(ofOneComponent)).toEqual(['image', 'serviceAccount']);
});

describe('each knob holds for every component, and one may have its own', () => {
  const take = (which: 'all' | 'one') => Object.fromEntries(Object.entries(KNOBS).map(([name, knob]) => [name, knob[which]]));
  const found: Record<string, Manifest[]> = {};
  beforeAll(() => {
    found['nobody'] = rendered(take('all'));
    for (const component of COMPONENTS)
      found[component] = rendered({ ...take('all'), [component]: { ...(BASE as Record<string, object>)[component], ...take('one') } });
  });

  test.each(Object.entries(KNOBS))('%s', (_name, { all, one, at, how }) => {
    for (const each of COMPONENTS) expect(at(deployment(found['nobody']!, each)), each).toEqual(containing(all));
    for (const component of COMPONENTS)
      for (const each of COMPONENTS) {
        const value = at(deployment(found[component]!, each));
        const mine = each === component;
        if (mine) expect(value, each).toEqual(containing(one));
        else expect(value, each).not.toEqual(containing(one));
        if (how === 'replaces') expect(value, each).toEqual(mine ? one : all);
        else expect(value, each).toEqual(containing(all));
      }
  });
});

test('a constraint of spreading without a selector means the pods of its component', () => {
  const bare = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' };
  const manifests = rendered({ topologySpreadConstraints: [bare] });
  for (const component of COMPONENTS) {
    const { spec } = deployment(manifests, component);
    expect(field('topologySpreadConstraints')(deployment(manifests, component))).toEqual([{ ...bare, labelSelector: spec['selector'] }]);
  }
});

test('nothing an operator adds can change what Services and budgets select', () => {
  const evil = Object.fromEntries(['name', 'instance', 'component'].map((key) => [`app.kubernetes.io/${key}`, 'evil']));
  const manifests = rendered({ commonLabels: { ...evil, team: 'chat' }, podLabels: { ...evil, zone: 'a' } });
  expect(JSON.stringify(manifests)).not.toContain('evil');
  for (const { component, labels, manifest } of workloads(manifests)) {
    expect(labels, component).toMatchObject({ team: 'chat', zone: 'a', 'app.kubernetes.io/instance': 'runnel' });
    expect(manifest.metadata.labels, component).toMatchObject({ team: 'chat' });
  }
  for (const { kind, metadata } of manifests) expect(metadata.labels['team'], kind).toBe('chat');
});

test.each([
  [{}, 'runnel/gateway:0.1.0'],
  [{ global: { imageRegistry: 'g.example' } }, 'g.example/runnel/gateway:0.1.0'],
  [{ global: { imageRegistry: 'g.example' }, image: { registry: 'i.example', tag: 'v2' } }, 'i.example/runnel/gateway:v2'],
  [{ image: { repository: 'org/chat' } }, 'org/chat/gateway:0.1.0'],
  [
    { image: { registry: 'i.example', tag: 'v2' }, gateway: { image: { repository: 'org/runnel-gateway', tag: 'v3' } } },
    'i.example/org/runnel-gateway:v3',
  ],
  [
    { gateway: { image: { registry: 'o.example', tag: 'v3', digest: `sha256:${'a'.repeat(64)}` } } },
    `o.example/runnel/gateway@sha256:${'a'.repeat(64)}`,
  ],
])('image of %j is %s, in the test pod, too', (values, image) => {
  const manifests = rendered(values);
  const found = workloads(manifests).filter(({ component }) => component === 'gateway' || component === 'test');
  expect(found.map(({ pod }) => pod.containers[0]!.image)).toEqual([image, image]);
});

test('the registry of all is the stores’, too, and its secrets are shown everywhere', () => {
  const set = [
    'kafka.development.enabled=true',
    'postgres.development.enabled=true',
    'redis.development.enabled=true',
    'audit.enabled=true',
  ];
  const found = workloads(
    render({ set: ['auth.mode=dev', ...set, 'global.imageRegistry=g.example', 'global.imagePullSecrets[0].name=p'] }),
  );
  expect(found.map(({ component }) => component)).toEqual(expect.arrayContaining(['redis', 'kafka', 'postgres', 'web', 'test']));
  for (const { component, pod } of found) {
    for (const { image } of [...pod.containers, ...(pod.initContainers ?? [])]) expect(image, component).toMatch(/^g\.example\//);
    expect(pod, component).toMatchObject({ imagePullSecrets: [{ name: 'p' }] });
  }
});

test('OpenShift restricted-v2: no pod names a user or a group, and the rest of "restricted" stays', () => {
  const stores = ['redis', 'kafka', 'postgres'].map((store) => `${store}.development.enabled=true`);
  const found = workloads(render({ set: ['auth.mode=dev', 'audit.enabled=true', ...stores, 'openshift.enabled=true'] }));
  expect(found.length).toBeGreaterThan(7);
  for (const { component, pod } of found) {
    expect(JSON.stringify(pod), component).not.toMatch(/"(runAsUser|runAsGroup|fsGroup)"/);
    expect(pod.securityContext, component).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  }
});

test('a development store asks for what it is given', () => {
  const stores = ['redis', 'kafka', 'postgres'];
  const enabled = ['auth.mode=dev', 'audit.enabled=true', ...stores.map((store) => `${store}.development.enabled=true`)];
  const given = stores.map((store) => `${store}.development.resources.requests.cpu=70m`);
  const found = workloads(render({ set: [...enabled, ...given] }));
  for (const store of stores) {
    const { pod } = found.find(({ component }) => component === store)!;
    expect(pod.containers[0]!.resources?.requests?.['cpu'], store).toBe('70m');
  }
});

test('Secrets of CloudNativePG and Strimzi fit by the names of their keys', () => {
  const env = (component: string) =>
    workloads(render({ profile: 'platform-values.yaml' })).find((one) => one.component === component)!.pod.containers[0]!.env;
  const from = (name: string, secret: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } });
  for (const component of ['audit', 'migrate']) expect(env(component)).toContainEqual(from('DATABASE_URL', 'chat-db-app', 'uri'));
  expect(env('audit')).toContainEqual(from('KAFKA_PASSWORD', 'runnel', 'password'));
  expect(env('audit')).toContainEqual({ name: 'KAFKA_USERNAME', value: 'runnel' });
  expect(env('gateway')).toContainEqual(from('REDIS_URL', 'valkey', 'uri'));
});

test('a service account is of its component; one that is there already is used, and may look for AI pods', () => {
  const manifests = rendered({
    serviceAccount: { annotations: { all: 'x' } },
    ai: { serviceAccount: { annotations: { role: 'ai' } } },
    gateway: { serviceAccount: { create: false, name: 'ours' } },
  });
  const accounts = manifests.filter(({ kind }) => kind === 'ServiceAccount');
  expect(accounts.map(({ metadata }) => [metadata.name, metadata.annotations])).toEqual([
    ['runnel-ai', { all: 'x', role: 'ai' }],
    ['runnel-audit', { all: 'x' }],
  ]);
  expect(field('serviceAccountName')(deployment(manifests, 'gateway'))).toBe('ours');
  const binding = manifests.find(({ kind }) => kind === 'RoleBinding') as unknown as { subjects: unknown };
  expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: 'ours', namespace: 'chat' }]);
});

test('the page names a service account only when asked: it could not be taken back by a rollback', () => {
  const web = (values: object) => {
    const manifests = rendered(values as Record<string, unknown>);
    const accounts = manifests.filter(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === 'runnel-web');
    return [field('serviceAccountName')(deployment(manifests, 'web')), accounts.length];
  };
  expect(web({})).toEqual([undefined, 0]);
  expect(web({ web: { serviceAccount: { create: true } } })).toEqual(['runnel-web', 1]);
  expect(web({ web: { serviceAccount: { name: 'ours' } } })).toEqual(['ours', 0]);
});

test('objects of the operator belong to the release, as maps and as text', () => {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-a' } };
  const manifests = rendered({
    extraObjects: [map, 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ include "runnel.fullname" . }}-b }\n'],
  });
  expect(manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name)).toEqual(['runnel-a', 'runnel-b']);
});

test('names follow nameOverride and fullnameOverride', () => {
  const first = (set: string[]): string => render({ set: [...LEAST, ...set] }).find(({ kind }) => kind === 'Deployment')!.metadata.name;
  expect(first([])).toBe('runnel-ai');
  expect(first(['nameOverride=chat'])).toBe('runnel-chat-ai');
  expect(first(['fullnameOverride=talk'])).toBe('talk-ai');
});

test('who we are to the stores is mounted for those who talk to them, from Secrets with keys of their own names', () => {
  const tls = { caSecret: 'ca', clientSecret: 'client' };
  const strimzi = { cert: 'user.crt', key: 'user.key' };
  const found = workloads(
    rendered({
      redis: { url: 'rediss://r', tls },
      postgres: { url: 'postgres://p/d', tls },
      kafka: { brokers: 'k:9093', tls: { ...tls, enabled: true, clientKeys: strimzi } },
    }),
  );
  const filesOf = (component: string): string[] => {
    const { containers, volumes = [] } = found.find((one) => one.component === component)!.pod;
    const { env = [], volumeMounts = [] } = containers[0]!;
    for (const { name, value } of env.filter((one) => /_(CA|CERT|KEY)_FILE$/.test(one.name))) {
      const mount = (volumeMounts as { name: string; mountPath: string }[]).find(({ mountPath }) => value!.startsWith(`${mountPath}/`));
      const { projected } = volumes.find((volume) => volume['name'] === mount?.name) as {
        projected: { sources: { secret: { name: string; items: { key: string; path: string }[] } }[] };
      };
      const items = projected.sources.flatMap(({ secret }) => secret.items);
      expect(
        items.map(({ path }) => `${mount!.mountPath}/${path}`),
        name,
      ).toContain(value);
      if (name === 'KAFKA_KEY_FILE') expect(items.find(({ path }) => path === 'tls.key')!.key).toBe('user.key');
    }
    return env.map(({ name }) => name).filter((name) => /_(CA|CERT|KEY)_FILE$/.test(name));
  };
  const of = (prefix: string): string[] => ['CA', 'CERT', 'KEY'].map((word) => `${prefix}_${word}_FILE`);
  expect(filesOf('gateway')).toEqual(of('REDIS'));
  expect(filesOf('ai')).toEqual(of('REDIS'));
  expect(filesOf('audit')).toEqual([...of('REDIS'), ...of('KAFKA'), ...of('DATABASE')]);
  expect(filesOf('migrate')).toEqual(of('DATABASE'));
});

test.each(['gateway', 'ai'])('files are in a claim that each %s mounts, and nowhere without one', (name) => {
  const of = (values: Record<string, unknown>) => {
    const workload = deployment(rendered(values), name);
    const { env, volumeMounts } = main(workload) as {
      env: { name: string; value?: string }[];
      volumeMounts: { name: string; mountPath: string }[];
    };
    const volumes = workload.spec.template.spec['volumes'] as { name: string; persistentVolumeClaim?: { claimName: string } }[];
    return {
      url: env.find((one) => one.name === 'FILES_URL')?.value,
      mount: volumeMounts.find((one) => one.name === 'files')?.mountPath,
      claim: volumes.find((one) => one.name === 'files')?.persistentVolumeClaim?.claimName,
    };
  };
  expect(of({})).toEqual({ url: 'none', mount: undefined, claim: undefined });
  expect(of({ files: { existingClaim: 'uploads' } })).toEqual({
    url: 'file:/var/lib/runnel/files',
    mount: '/var/lib/runnel/files',
    claim: 'uploads',
  });
  const s3Url = 's3://files?endpoint=https://s3.example.org&region=eu-west-1';
  const bucket = { files: { s3Url, existingSecret: 'keys' } };
  expect(of(bucket)).toEqual({ url: s3Url, mount: undefined, claim: undefined });
  const { env } = main(deployment(rendered(bucket), name)) as { env: { name: string; valueFrom?: object }[] };
  for (const key of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
    expect(env.find((one) => one.name === key)?.valueFrom).toEqual({ secretKeyRef: { name: 'keys', key } });
  expect(() => rendered({ files: { s3Url } })).toThrow('go together');
  expect(() => rendered({ files: { ...bucket.files, existingClaim: 'uploads' } })).toThrow('not both');
});

test('models of a ConfigMap are a folder that gateways and AI pods mount, and stand beside no other list', () => {
  for (const name of ['gateway', 'ai']) {
    const of = (values: Record<string, unknown>) => {
      const { spec } = deployment(rendered(values), name).spec.template;
      const container = spec.containers[0] as unknown as {
        env: { name: string; value?: string }[];
        volumeMounts: { name: string; mountPath: string; subPath?: string }[];
      };
      const volumes = spec['volumes'] as { name: string; configMap?: { name: string } }[];
      return {
        file: container.env.find((variable) => variable.name === 'MODELS_FILE')?.value,
        mount: container.volumeMounts.find((mount) => mount.name === 'models'),
        map: volumes.find((volume) => volume.name === 'models')?.configMap?.name,
      };
    };
    expect(of({})).toEqual({ file: undefined, mount: undefined, map: undefined });
    expect(of({ ai: { modelsConfigMap: 'my-models' } })).toEqual({
      file: '/etc/runnel/models/models.json',
      mount: { name: 'models', mountPath: '/etc/runnel/models', readOnly: true },
      map: 'my-models',
    });
  }
  expect(() => rendered({ ai: { modelsConfigMap: 'my-models', models: [{ id: 'a', provider: 'demo' }] } })).toThrow(/either ai\.models or/);
});
