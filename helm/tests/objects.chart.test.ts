import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { crdSchemas, schemasOfCrd } from '../../scripts/crd-schemas.mjs';
import { goTool } from '../../scripts/go-tools.mjs';
import { kubeSchemas } from '../../scripts/kube-schemas.mjs';
import { CHART, EXAMPLES, PROFILES, render, renderExample, type Manifest } from './chart.ts';

const OWN_CRDS = join(CHART, '../runnel-crds/templates');
/** The operator's Redis kinds of the examples: its module is not on the proxy. */
const WITHOUT_SCHEMA = 'RedisReplication,RedisSentinel,RedisCluster';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'runnel-objects-'));
  for (const name of readdirSync(OWN_CRDS).filter((name) => name.endsWith('.yaml')))
    for (const [file, schema] of Object.entries(schemasOfCrd(readFileSync(join(OWN_CRDS, name), 'utf8'))))
      writeFileSync(join(folder, file), JSON.stringify(schema));
  return () => rmSync(folder, { recursive: true });
});

/** What kubeconform says of these objects, with no field too many. */
const look = (objects: Record<string, Manifest[]>): string => {
  const files = Object.entries(objects).map(([name, items]) => {
    const file = join(folder, `objects-${name}.json`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    onTestFinished(() => rmSync(file, { force: true }));
    return file;
  });
  // One call for all: reading the schemas is what takes time.
  const locations = [
    `${kubeSchemas}/{{.ResourceKind}}{{.KindSuffix}}.json`,
    ...[crdSchemas, folder].map((of) => `${of}/{{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json`),
  ].flatMap((location) => ['-schema-location', location]);
  const { stdout, stderr } = spawnSync(goTool('kubeconform'), ['-strict', '-summary', ...locations, '-skip', WITHOUT_SCHEMA, ...files], {
    encoding: 'utf8',
  });
  return `${stdout}${stderr}`;
};

test("every object of every profile is what its owner's schema says: Kubernetes', our own, and other operators'", () => {
  const objects = Object.fromEntries(PROFILES.map((profile) => [profile, render({ profile })]));
  const kinds = new Set(Object.values(objects).flatMap((items) => items.map(({ kind }) => kind)));
  for (const kind of ['HTTPRoute', 'ServiceMonitor', 'PrometheusRule', 'ScaledObject', 'Certificate', 'ChatModel', 'ChatCluster'])
    expect([...kinds]).toContain(kind);
  expect(look(objects)).toMatch(/Valid: [23]\d\d, Invalid: 0, Errors: 0, Skipped: 0/);
});

test('the examples are what their owners would accept: Argo Rollouts with the least release, Kubernetes for the rest', () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));
  const objects = Object.fromEntries(names.map((name) => [name, renderExample(name)]));
  expect(look(objects)).toMatch(/Valid: \d\d+, Invalid: 0, Errors: 0, Skipped: 3/);
});

test.each([
  ['HTTPRoute', { spec: { rules: 'all' } }],
  ['ServiceMonitor', { spec: { selector: {}, endpoint: [] } }],
  ['ScaledObject', { spec: { scaleTargetRef: { name: 'x' }, triggers: [{ type: 'prometheus', meta: {} }] } }],
  ['Certificate', { spec: { secretName: 7 } }],
  ['ChatModel', { spec: { provider: 'count', modell: 'x' } }],
] as const)('a field that %s does not have, or of another type, is found', (kind, wrong) => {
  const item = PROFILES.flatMap((profile) => render({ profile })).find((one) => one.kind === kind)!;
  expect(look({ wrong: [{ ...item, ...wrong }] as unknown as Manifest[] })).toMatch(/Invalid: 1/);
});
