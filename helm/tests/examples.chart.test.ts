import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gatewayMetrics } from '../../services/gateway/src/metrics.ts';
import { createAiMetrics } from '../../services/ai/src/metrics.ts';
import { createMetrics } from '../../packages/kit/src/index.ts';
import { EXAMPLES, HELMS, renderExample as rendered, type Manifest } from './chart.ts';

const files = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));
const readme = readFileSync(join(EXAMPLES, 'README.md'), 'utf8');

const without = (manifests: Manifest[]): Manifest[] => manifests.filter(({ kind }) => kind !== 'Secret');
const named = (manifests: Manifest[], kind: string, name: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};

describe.each(files)('example %s', (file) => {
  test.each(HELMS)('is told of in the README and renders the same with both Helms (%s)', (tool) => {
    expect(without(rendered(file, tool))).toEqual(without(rendered(file)));
    expect(readme).toContain(`\`${file}\``);
  });
});

test('what an example refers to is there: its ConfigMap, its replication, its Deployment', () => {
  const sentinel = rendered('redis-sentinel.yaml');
  named(sentinel, 'ConfigMap', 'runnel-redis-config');
  const { redisReplicationName, masterGroupName } = named(sentinel, 'RedisSentinel', 'runnel-redis').spec['redisSentinelConfig'] as Record<
    string,
    string
  >;
  named(sentinel, 'RedisReplication', redisReplicationName!);
  expect(readFileSync(join(EXAMPLES, 'redis-sentinel.yaml'), 'utf8')).toContain(`:26379/${masterGroupName}`);
  for (const file of ['redis-sentinel.yaml', 'redis-cluster.yaml']) {
    const config = named(rendered(file), 'ConfigMap', 'runnel-redis-config') as unknown as { data: Record<string, string> };
    expect(config.data['redis-additional.conf']).toMatch(/maxmemory-policy noeviction\nappendonly yes/);
  }
  const gate = rendered('rollout-gate.yaml');
  const { name } = named(gate, 'Rollout', 'runnel-ai').spec['workloadRef'] as { name: string };
  expect(named(gate, 'Deployment', name).spec.replicas).toBe(undefined);
  expect(JSON.stringify(named(rendered('valkey.yaml'), 'StatefulSet', 'runnel-redis'))).toContain('valkey/valkey:8.1');
});

test('the gate asks for metrics that there are', async () => {
  const registry = createMetrics('gateway', { processMetrics: false });
  gatewayMetrics(registry);
  const ai = createMetrics('ai', { processMetrics: false });
  createAiMetrics(ai);
  const known = `${await registry.text()}${await ai.text()}`;
  const gate = JSON.stringify(named(rendered('rollout-gate.yaml'), 'AnalysisTemplate', 'runnel-answers'));
  const asked = new Set(Array.from(gate.matchAll(/runnel_\w+/g), ([name]) => name.replace(/_bucket$/, '')));
  expect(asked.size).toBe(2);
  for (const name of asked) expect(known).toContain(`# TYPE ${name} `);
  expect(gate).toContain(JSON.stringify('namespace="chat"').slice(1, -1));
});
