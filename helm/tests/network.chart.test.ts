import { expect, test } from 'vitest';
import { PROFILES, render, workloads, type Manifest, type Workload } from './chart.ts';

type Labels = Record<string, string>;
interface Selector {
  matchLabels?: Labels;
}
interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}
interface Rule {
  ports?: { port: number; protocol?: string }[];
  from?: Peer[];
  to?: Peer[];
}
interface Policy {
  podSelector: Selector;
  policyTypes: string[];
  ingress?: Rule[];
  egress?: Rule[];
}

/** Where a service may go by its environment. Ports are those its peers listen at; `outside` is not a pod of the release. */
interface Hop {
  from: Workload;
  variable: string;
  to: { component: string; port: number } | 'outside';
}

const AI_PORT = 8081;
/** What carries an address of somebody. */
const ADDRESSES = /^(REDIS_URL|AI_SERVICE_NAME|AUDIT_URL|DATABASE_URL|KAFKA_BROKERS|JWKS_URL|OTEL_EXPORTER_OTLP_ENDPOINT)$/;

const hopsOf = (from: Workload): Hop[] => {
  const container = from.pod.containers[0]!;
  const fromEnv = (container.env ?? [])
    .filter(({ name }) => ADDRESSES.test(name))
    .map(({ name, value }) => ({
      variable: name,
      text: name === 'AI_SERVICE_NAME' ? `http://${value}:${AI_PORT}` : (value ?? 'a secret'),
    }));
  const fromCommand = (container.command ?? [])
    .filter((word) => /^(ws|http)s?:\/\/\S+$/.test(word))
    .map((text) => ({ variable: 'command', text }));
  return [...fromEnv, ...fromCommand].map(({ variable, text }) => {
    const own = /^(?:\w+:\/\/)?(?:\w+@)?runnel-(\w+):(\d+)/.exec(text);
    return { from, variable, to: own === null ? 'outside' : { component: own[1]!, port: Number(own[2]) } };
  });
};

const matches = ({ matchLabels = {} }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value);

const policiesFor = (manifests: readonly Manifest[], labels: Labels, direction: string): Policy[] =>
  manifests
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map(({ spec }) => spec as unknown as Policy)
    .filter((policy) => policy.policyTypes.includes(direction) && matches(policy.podSelector, labels));

const opens = ({ ports }: Rule, port: number): boolean => ports === undefined || ports.some((open) => open.port === port);
const names = (peers: Peer[] | undefined, labels: Labels): boolean =>
  peers?.some(({ podSelector }) => podSelector !== undefined && matches(podSelector, labels)) ?? true;

const refusal = (manifests: readonly Manifest[], all: readonly Workload[], { from, to }: Hop): string | undefined => {
  const egress = policiesFor(manifests, from.labels, 'Egress').flatMap((policy) => policy.egress ?? []);
  // Whatever the port is: brokers and databases of others listen where they like.
  const leaves = ({ ports, to: peers }: Rule): boolean => ports === undefined && (peers?.some(({ ipBlock }) => ipBlock) ?? false);
  if (to === 'outside') return egress.some(leaves) ? undefined : 'may not leave the release';
  const peer = all.find(({ component }) => component === to.component);
  if (peer === undefined) return `there is no ${to.component}`;
  if (!peer.pod.containers[0]!.ports?.some(({ containerPort }) => containerPort === to.port))
    return `${to.component} has no port ${to.port}`;
  if (!egress.some((rule) => opens(rule, to.port) && names(rule.to, peer.labels))) return 'may not go out';
  const ingress = policiesFor(manifests, peer.labels, 'Ingress').flatMap((policy) => policy.ingress ?? []);
  return ingress.some((rule) => opens(rule, to.port) && names(rule.from, from.labels)) ? undefined : 'may not come in';
};

const common = ['auth.mode=dev', 'redis.development.enabled=true', 'audit.enabled=true', 'tracing.endpoint=http://otel:4318'];
const SETUPS = [
  [
    'stores outside',
    [...common, 'postgres.url=postgres://p/d', 'kafka.brokers=kafka:9094', 'kafka.tls.enabled=true'],
    ['migrate DATABASE_URL outside', 'audit KAFKA_BROKERS outside'],
  ],
  [
    'stores inside',
    [...common, 'postgres.development.enabled=true', 'kafka.development.enabled=true'],
    ['audit DATABASE_URL postgres', 'audit KAFKA_BROKERS kafka'],
  ],
] as const;

test.each(SETUPS)('every hop the services make by their configuration is open on both ends: %s', (_, set, some) => {
  const manifests = render({ set });
  const all = workloads(manifests);
  const hops = all.flatMap(hopsOf);
  const told = hops.map(({ from, variable, to }) => `${from.component} ${variable} ${to === 'outside' ? to : to.component}`);
  expect(told).toEqual(
    expect.arrayContaining([
      ...['gateway AI_SERVICE_NAME ai', 'gateway AUDIT_URL audit', 'ai AUDIT_URL audit', 'ai REDIS_URL redis', 'test command gateway'],
      ...some,
    ]),
  );
  const refused = hops.flatMap((hop, index) => refusal(manifests, all, hop)?.replace(/^/, `${told[index]}: `) ?? []);
  expect(refused).toEqual([]);
});

test.each(SETUPS)('and nothing else: no pod may reach a port of another that its configuration does not name: %s', (_, set) => {
  const manifests = render({ set });
  const all = workloads(manifests);
  const wanted = new Set(
    all.flatMap(hopsOf).flatMap(({ from, to }) => (to === 'outside' ? [] : [`${from.component} → ${to.component}:${to.port}`])),
  );
  const open = all.flatMap((from) =>
    all.flatMap((to) =>
      (to.pod.containers[0]!.ports ?? [])
        .filter(({ containerPort }) => {
          const ingress = policiesFor(manifests, to.labels, 'Ingress').flatMap((policy) => policy.ingress ?? []);
          return ingress.some(
            (rule) => opens(rule, containerPort) && rule.from?.some(({ podSelector }) => podSelector && matches(podSelector, from.labels)),
          );
        })
        .map(({ containerPort }) => `${from.component} → ${to.component}:${containerPort}`),
    ),
  );
  expect(new Set(open)).toEqual(wanted);
});

test.each(PROFILES)('%s: by default every pod of the release is denied both ways', (profile) => {
  const manifests = render({ profile });
  if (!manifests.some(({ kind }) => kind === 'NetworkPolicy')) return expect(profile).toBe('minimal-values.yaml');
  for (const { component, labels } of workloads(manifests)) {
    for (const direction of ['Ingress', 'Egress'])
      expect(policiesFor(manifests, labels, direction), `${component} ${direction}`).not.toEqual([]);
  }
});

test('addresses outside the cluster reach gateways and page only; namespaces of stores are open to those who have stores', () => {
  const set = [...common, 'postgres.url=postgres://p/d', 'networkPolicy.ingressCIDRs={10.0.0.0/8}'];
  const manifests = render({ set: [...set, 'networkPolicy.egressNamespaceLabels.stores=here'] });
  const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
  const saying = (direction: 'ingress' | 'egress', word: string): string[] =>
    policies.filter(({ spec }) => JSON.stringify(spec[direction] ?? '').includes(word)).map(({ metadata }) => metadata.name);
  expect(saying('ingress', '10.0.0.0/8').toSorted()).toEqual(['runnel-gateway', 'runnel-web']);
  expect(saying('egress', '{"stores":"here"}').toSorted()).toEqual(['runnel-ai', 'runnel-audit', 'runnel-gateway', 'runnel-migrate']);
});

const allRules = (manifests: readonly Manifest[], direction: 'ingress' | 'egress'): Rule[] =>
  manifests.filter(({ kind }) => kind === 'NetworkPolicy').flatMap(({ spec }) => (spec[direction] as Rule[] | undefined) ?? []);
const INTERNAL = [9080, 9081, 9082, 9083];
const isOperator = ({ podSelector }: { podSelector?: Selector }): boolean =>
  podSelector?.matchLabels?.['app.kubernetes.io/component'] === 'operator';

test.each(PROFILES)('S-8 %s: no rule names every namespace, and the internal ports are open to labelled monitoring alone', (profile) => {
  const labelled = 'networkPolicy.monitoringNamespaceLabels.team=watch';
  for (const [set, allowed] of [
    [[], []],
    [[labelled], [{ namespaceSelector: { matchLabels: { team: 'watch' } } }]],
  ] as const) {
    const rules = allRules(render({ profile, set }), 'ingress');
    for (const peer of rules.flatMap(({ from }) => from ?? []))
      if (peer.namespaceSelector) expect(Object.keys(peer.namespaceSelector.matchLabels ?? {})).not.toEqual([]);
    for (const rule of rules)
      if (INTERNAL.some((port) => opens(rule, port)) && !rule.from?.every(isOperator)) expect(rule.from).toEqual(allowed);
  }
});

test.each(PROFILES)('S-24 %s: nobody reaches the addresses where clouds give machines their credentials', (profile) => {
  const set = ['networkPolicy.egressCIDRs={0.0.0.0/0,::/0}'];
  const blocks = allRules(render({ profile, set }), 'egress').flatMap(({ to }) => to?.flatMap(({ ipBlock }) => ipBlock ?? []) ?? []);
  for (const { cidr, except } of blocks) expect(except).toEqual([cidr === '::/0' ? 'fd00:ec2::/32' : '169.254.0.0/16']);
});

test.each(PROFILES)('S-8 %s: services show one token, from one Secret, and the internal port is on a Service of its own', (profile) => {
  const manifests = render({ profile });
  const services = manifests.filter(({ kind }) => kind === 'Service');
  const portsOf = ({ spec }: Manifest): number[] => (spec['ports'] as { port: number }[]).map(({ port }) => port);
  for (const service of services) {
    const internal = portsOf(service).filter((port) => INTERNAL.includes(port));
    expect(internal.length > 0, service.metadata.name).toBe(service.metadata.name.endsWith('-internal'));
    if (internal.length > 0) expect(portsOf(service)).toEqual(internal);
  }
  const ours = workloads(manifests).filter(({ component }) => ['gateway', 'ai', 'audit'].includes(component));
  const served = ours.filter(({ pod }) => pod.containers[0]!.ports?.some(({ name }) => name === 'internal'));
  expect(served.length).toBeGreaterThanOrEqual(2);
  const secrets = served.map(({ pod }) => pod.volumes?.find((volume) => volume['name'] === 'internal-token')?.['secret']);
  expect(new Set(secrets.map((secret) => JSON.stringify(secret))).size).toBe(1);
  expect(secrets[0]).toMatchObject({ secretName: 'runnel-internal-token' });
  for (const { pod } of served)
    expect(pod.containers[0]!.env).toContainEqual({ name: 'INTERNAL_TOKEN_FILE', value: '/etc/runnel/internal/token' });
});

test('S-8 a Secret of the operator takes the place of the one the chart makes', () => {
  const manifests = render({ set: ['auth.mode=dev', 'redis.url=redis://r', 'internalToken.existingSecret=ours'] });
  expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  expect(JSON.stringify(workloads(manifests).map(({ pod }) => pod.volumes))).toContain('"secretName":"ours"');
});

test('platform 2.7 pods that never became ready do not block the drain of a node', () => {
  const budgets = PROFILES.flatMap((profile) => render({ profile }).filter(({ kind }) => kind === 'PodDisruptionBudget'));
  expect(budgets.length).toBeGreaterThan(0);
  for (const { spec } of budgets) expect(spec['unhealthyPodEvictionPolicy']).toBe('AlwaysAllow');
});
