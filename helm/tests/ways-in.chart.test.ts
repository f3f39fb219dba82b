import { expect, test } from 'vitest';
import { LEAST, render, type Manifest } from './chart.ts';

const IN = [...LEAST, 'auth.devModeOpen=true', 'ingress.enabled=true', 'ingress.host=chat.example.org'];
const of = (kind: string, ...set: string[]): Manifest => render({ set: [...IN, ...set] }).find((one) => one.kind === kind)!;

test('annotations and labels of the operator are on the way in, and win over ours', () => {
  const annotations = ['ingress.annotations.nginx\\.org/lb-method=random', 'ingress.annotations.cert-manager\\.io/cluster-issuer=le'];
  const ingress = of('Ingress', ...annotations, 'ingress.labels.team=chat');
  expect(ingress.metadata.annotations).toMatchObject({
    'nginx.org/lb-method': 'random',
    'cert-manager.io/cluster-issuer': 'le',
    'nginx.org/websocket-services': 'runnel-gateway',
  });
  expect(ingress.metadata.labels).toMatchObject({ team: 'chat' });
  const route = of('HTTPRoute', 'ingress.controller=gateway-api', 'ingress.gatewayName=g', 'ingress.annotations.a=b');
  expect(route.metadata.annotations).toEqual({ a: 'b' });
});

test('another controller gets the operator’s annotations alone, and no class unless named', () => {
  const ingress = of('Ingress', 'ingress.controller=other', 'ingress.className=');
  expect(ingress.metadata.annotations).toBeUndefined();
  expect(ingress.spec['ingressClassName']).toBeUndefined();
});

test('each name has each path, and one certificate for all', () => {
  const { spec } = of('Ingress', 'ingress.hosts={chat.example.com,chat.example.org}', 'ingress.tlsSecret=tls');
  const rules = spec['rules'] as { host: string; http: { paths: { path: string }[] } }[];
  expect(rules.map(({ host }) => host)).toEqual(['chat.example.org', 'chat.example.com']);
  for (const { http } of rules) expect(http.paths.map(({ path }) => path)).toEqual(['/ws', '/api', '/v1', '/']);
  expect(spec['tls']).toEqual([{ hosts: ['chat.example.org', 'chat.example.com'], secretName: 'tls' }]);
});

test('a list of certificates takes the place of one', () => {
  const { spec } = of('Ingress', 'ingress.tlsSecret=tls', 'ingress.tls[0].secretName=own', 'ingress.tls[0].hosts={chat.example.org}');
  expect(spec['tls']).toEqual([{ secretName: 'own', hosts: ['chat.example.org'] }]);
});

test('an HTTPRoute names its listener, and has a time limit only where one is asked for', () => {
  const gateway = ['ingress.controller=gateway-api', 'ingress.gatewayName=public'];
  expect(JSON.stringify(of('HTTPRoute', ...gateway))).not.toContain('timeouts');
  const { spec } = of('HTTPRoute', ...gateway, 'ingress.gatewaySectionName=https', 'ingress.timeouts.request=0s');
  expect(spec['parentRefs']).toEqual([{ name: 'public', sectionName: 'https' }]);
  expect((spec['rules'] as { timeouts?: object }[])[0]!.timeouts).toEqual({ request: '0s' });
  const own = of('HTTPRoute', 'ingress.controller=gateway-api', 'ingress.parentRefs[0].name=mine', 'ingress.parentRefs[0].port=443');
  expect(own.spec['parentRefs']).toEqual([{ name: 'mine', port: 443 }]);
});

test('a Certificate fills the Secret of the way in, for all its names', () => {
  const { spec } = of(
    'Certificate',
    'ingress.tlsSecret=tls',
    'ingress.hosts={chat.example.com}',
    'certificate.enabled=true',
    'certificate.issuer.name=le',
  );
  expect(spec).toMatchObject({
    secretName: 'tls',
    dnsNames: ['chat.example.org', 'chat.example.com'],
    issuerRef: { name: 'le', kind: 'ClusterIssuer' },
  });
});

test('KEDA asks Prometheus for what is live of this release alone, between the same bounds', () => {
  const keda = ['enabled=true', 'prometheus=http://p:9090'].map((one) => `ai.autoscaling.keda.${one}`);
  const { spec } = of('ScaledObject', ...keda, 'ai.autoscaling.targetRuns=300', 'ai.autoscaling.maxReplicas=7');
  expect(spec).toMatchObject({
    minReplicaCount: 2,
    maxReplicaCount: 7,
    fallback: { replicas: 2, behavior: 'currentReplicasIfHigher' },
    triggers: [
      { metadata: { query: 'sum(runnel_ai_runs{namespace="chat", pod=~"runnel-ai-.+"})', threshold: '300' } },
      { type: 'cpu', metricType: 'AverageValue', metadata: { value: '700m' } },
    ],
  });
});

test('an HPA scales by absolute CPU, by memory and by what is live', () => {
  const metrics = (...set: string[]) => of('HorizontalPodAutoscaler', 'gateway.autoscaling.enabled=true', ...set).spec['metrics'];
  const resource = (name: string, averageValue: string) => ({
    type: 'Resource',
    resource: { name, target: { type: 'AverageValue', averageValue } },
  });
  expect(metrics()).toEqual([resource('cpu', '700m')]);
  expect(metrics('gateway.autoscaling.targetMemoryValue=400Mi')).toEqual([resource('cpu', '700m'), resource('memory', '400Mi')]);
  expect(metrics('gateway.autoscaling.targetCPU=60')).toMatchObject([{ resource: { target: { averageUtilization: 60 } } }]);
  expect(metrics('gateway.autoscaling.targetCPUValue=', 'gateway.autoscaling.targetSockets=2000')).toMatchObject([
    { type: 'Pods', pods: { metric: { name: 'runnel_gateway_sockets' } } },
  ]);
});

test('IPv6 egress leaves out its own credentials address and nothing of IPv4', () => {
  const policies = (cidrs: string): unknown[] =>
    render({ set: [...LEAST, `networkPolicy.egressCIDRs={${cidrs}}`] })
      .filter(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'runnel-ai')
      .flatMap(({ spec }) =>
        (spec['egress'] as { to: { ipBlock?: unknown }[] }[]).flatMap(({ to }) => to.flatMap(({ ipBlock }) => ipBlock ?? [])),
      );
  expect(policies('::/0')).toEqual([{ cidr: '::/0', except: ['fd00:ec2::/32'] }]);
  expect(policies('2001:db8::/32')).toEqual([{ cidr: '2001:db8::/32' }]);
});

test('in an ambient mesh each hop between pods is open on its port 15008 as well, and no other', () => {
  const ports = (set: string[]): number[][] =>
    render({ set: [...LEAST, ...set] })
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .flatMap(({ spec }) => ['ingress', 'egress'].flatMap((way) => (spec[way] as { ports?: { port: number }[] }[] | undefined) ?? []))
      .filter(({ ports: open }) => open !== undefined && !open.some(({ port }) => port === 53))
      .map(({ ports: open }) => open!.map(({ port }) => port));
  const plain = ports([]);
  expect(ports(['networkPolicy.ambient=true'])).toEqual(plain.map((open) => [...open, 15_008]));
});
