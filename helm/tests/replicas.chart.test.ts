import { expect, test } from 'vitest';
import { LEAST, render, type Manifest } from './chart.ts';
import { renderInCluster, type Held } from './cluster.ts';

const NAMES = ['gateway', 'ai', 'web'];
const SCALERS: Record<string, string[]> = {
  'a HorizontalPodAutoscaler': ['gateway.autoscaling.enabled=true'],
  'a ScaledObject': [
    'gateway.autoscaling.keda.enabled=true',
    'gateway.autoscaling.keda.prometheus=http://prometheus:9090',
    'gateway.autoscaling.targetSockets=2000',
  ],
  'somebody else': ['gateway.autoscaling.external=true'],
};

const live = (replicas: number, before: string | undefined): Held => ({
  'Deployment/runnel-gateway': {
    metadata: { name: 'runnel-gateway', namespace: 'chat', annotations: before === undefined ? {} : { 'runnel.dev/replicas': before } },
    spec: { replicas },
  },
});
const replicasOf = (manifests: readonly Manifest[], name = 'gateway'): number | undefined =>
  manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === `runnel-${name}`)!.spec.replicas;

test.each(Object.entries(SCALERS))(
  'platform 2.4 switching to %s keeps the pods that run, and so does each upgrade after',
  async (_, set) => {
    for (const running of [1, 5, 20])
      for (const before of ['2', undefined])
        expect(replicasOf(await renderInCluster(live(running, before), [...LEAST, ...set]))).toBe(running);
  },
);

test.each(Object.entries(SCALERS))('where the cluster cannot be asked, %s is not set back by a number', (_, set) => {
  expect(replicasOf(render({ set: [...LEAST, ...set] }))).toBeUndefined();
});

test('platform 2.4 who scaled by hand keeps their pods over an upgrade, until `replicas` is changed', async () => {
  const told = ['gateway.replicas=3'];
  expect(replicasOf(await renderInCluster(live(7, '3'), [...LEAST, ...told]))).toBe(7);
  expect(replicasOf(await renderInCluster(live(7, '2'), [...LEAST, ...told]))).toBe(3);
  // Of a chart that did not note it.
  expect(replicasOf(await renderInCluster(live(7, undefined), [...LEAST, ...told]))).toBe(3);
  expect(replicasOf(await renderInCluster(live(0, '3'), [...LEAST, ...told]))).toBe(0);
});

test('a release that is new has what values say, and notes it', async () => {
  const manifests = await renderInCluster({}, LEAST);
  for (const name of NAMES) {
    expect(replicasOf(manifests, name)).toBe(2);
    const { metadata } = manifests.find(({ kind, metadata: of }) => kind === 'Deployment' && of.name === `runnel-${name}`)!;
    expect(metadata.annotations).toEqual({ 'runnel.dev/replicas': '2' });
  }
});

test('O-3 with the gate a new AI pod is asked for a while before the next is made, unless the operator says otherwise', () => {
  const seconds = (set: readonly string[]) =>
    render({ set: [...LEAST, ...set] })
      .filter(({ kind }) => kind === 'Deployment')
      .map(({ metadata, spec }) => [metadata.name, spec['minReadySeconds']])
      .filter(([, value]) => value !== undefined);
  expect(seconds([])).toEqual([]);
  expect(seconds(['operator.rolloutGate.enabled=true'])).toEqual([]);
  const gate = ['operator.enabled=true', 'operator.rolloutGate.enabled=true'];
  expect(seconds(gate)).toEqual([['runnel-ai', 15]]);
  expect(seconds([...gate, 'ai.minReadySeconds=60'])).toEqual([['runnel-ai', 60]]);
  expect(seconds([...gate, 'ai.minReadySeconds=0'])).toEqual([['runnel-ai', 0]]);
});
