import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HELMS, renderValues } from './chart.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'runnel-schema-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** `gateway.resources.limits.memory` as nested objects. */
const nested = (path: string, value: unknown): Record<string, unknown> =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;
const BASE = { auth: { mode: 'dev' }, redis: { url: 'redis://redis:6379' } };

const WRONG: [path: string, value: unknown, at?: string][] = [
  ['gateway.resources.limits.memory', '512MiB'],
  ['ai.resources.requests.cpu', -1],
  ['web.resources.limit', {}, '/web/resources'],
  ['gateway.maxUnavailable', 0],
  ['gateway.maxUnavailable', 'some'],
  ['gateway.maxUnavailable', '0%'],
  ['redis.development.storage', 'much'],
  ['kafka.development.resources.requests.cpu', 'some'],
  ['networkPolicy.egressCIDRs', ['10.0.0.0/33'], '/networkPolicy/egressCIDRs/0'],
  ['networkPolicy.ingressCIDRs', ['10.0.0.1'], '/networkPolicy/ingressCIDRs/0'],
  ['networkPolicy.ingressCIDRs', ['2001:db8::/129'], '/networkPolicy/ingressCIDRs/0'],
  ['ingress.host', 'https://chat.example.org'],
  ['ingress.hosts', ['Chat.example.org'], '/ingress/hosts/0'],
  ['tolerations', [{ key: 'a', effect: 'NoWay' }], '/tolerations/0/effect'],
  ['gateway.tolerations', [{ kee: 'a' }], '/gateway/tolerations/0'],
  ['topologySpreadConstraints', [{ maxSkew: 1, topologyKey: 'zone' }], '/topologySpreadConstraints/0'],
  ['affinity', { nodeAffinty: {} }],
  ['podSecurityContext.runAsUser', 'root'],
  ['securityContext.readOnlyRootFileSystem', true, '/securityContext'],
  ['extraEnv', [{ name: 'A', valueFrom: { secretKeyReff: {} } }], '/extraEnv/0/valueFrom'],
  ['extraEnv', [{ name: 'A', value: 1 }], '/extraEnv/0/value'],
  ['ai.extraEnvFrom', [{ secret: 'x' }], '/ai/extraEnvFrom/0'],
  ['extraVolumeMounts', [{ name: 'a', mountPath: 'relative' }], '/extraVolumeMounts/0/mountPath'],
  ['extraVolumes', [{ name: 'a' }], '/extraVolumes/0'],
  ['extraContainers', [{ name: 'a' }], '/extraContainers/0'],
  ['gateway.env', { MAX_SOKETS: '5' }],
  ['ai.models', [{ id: 'a', provider: 'openai' }], '/ai/models/0/provider'],
  ['ai.models', [{ id: 'a', provider: 'demo', temperatur: 1 }], '/ai/models/0'],
  ['ai.tools', [{ id: 'a', url: 'http://t/mcp', approval: { x: 'maybe' } }], '/ai/tools/0/approval/x'],
  ['gateway.image.digest', 'sha256:abc'],
  ['gateway.image.repository', 3],
  ['image.repository', 'runnel:latest'],
  ['gateway.autoscaling.targetCPUValue', '70%'],
  ['gateway.service.type', 'Ingress'],
  ['service.ipFamilies', ['IPv5'], '/service/ipFamilies/0'],
  ['kafka.brokers', 'kafka'],
  ['postgres.existingSecret', 'My_Secret'],
  ['commonLabels', { team: 'a b' }, '/commonLabels/team'],
  ['serviceMonitor.interval', '15'],
  ['certificate.renewBefore', 'soon'],
  ['corsOrigins', ['https://a.example/path'], '/corsOrigins/0'],
  ['startupProbe.periodSecond', 3, '/startupProbe'],
  ['dnsPolicy', 'clusterFirst'],
  ['limits.maxRunsPerUser', -1],
];

describe.each(HELMS)('%s refuses a wrong value with its path', (tool) => {
  test.each(WRONG)('%s: %j', (path, value, at = `/${path.replaceAll('.', '/')}`) => {
    const file = join(folder, 'values.json');
    const [top] = path.split('.') as [string];
    const set = nested(path, value);
    const base = (BASE as Record<string, object>)[top] ?? {};
    writeFileSync(
      file,
      JSON.stringify({ ...BASE, ...set, ...(path.includes('.') ? { [top]: { ...base, ...(set[top] as object) } } : {}) }),
    );
    expect(() => renderValues(file, tool)).toThrow(`at '${at}`);
  });
});
