import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { goTool } from '../../scripts/go-tools.mjs';
import { CHART, HELMS, PROFILES, helm, render, workloads, type Container, type PodSpec } from './chart.ts';

const FINISH_SECONDS = 10;

describe.each(PROFILES)('profile %s', (profile) => {
  test.each(HELMS)('lints without a warning (%s)', (tool) => {
    expect(helm(tool, 'lint', '--strict', CHART, '-f', join(CHART, 'ci', profile))).toContain('0 chart(s) failed');
  });

  test('Helm 3 and 4 render the same objects', () => {
    // What is made by chance differs from rendering to rendering.
    const of = (tool: (typeof HELMS)[number]) => render({ profile, tool }).filter(({ kind }) => kind !== 'Secret');
    expect(of('helm3')).toEqual(of('helm4'));
  });

  test('names are unique within a kind, and every object is labelled as ours', () => {
    const manifests = render({ profile });
    const names = manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { metadata } of manifests) expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/instance': 'runnel' });
  });

  test('pods pass Pod Security "restricted", and their root file system is read-only', () => {
    for (const { component, pod } of workloads(render({ profile }))) {
      expect(restrictedProblems(pod), component).toEqual([]);
    }
  });

  test('a drain always ends before the pod is killed: grace ≥ preStop + drain + 10 s', () => {
    for (const { component, pod } of workloads(render({ profile }))) {
      const drain = pod.containers[0]!.env?.find(({ name }) => name === 'DRAIN_SECONDS')?.value;
      if (drain === undefined) continue;
      const preStop = pod.containers[0]!.lifecycle?.preStop?.sleep?.seconds ?? 0;
      expect(pod.terminationGracePeriodSeconds, component).toBeGreaterThanOrEqual(preStop + Number(drain) + FINISH_SECONDS);
    }
  });

  test('what scales has no spec.replicas, so that an upgrade does not undo the scaler', () => {
    const manifests = render({ profile });
    const scaled = manifests
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject')
      .map(({ spec }) => (spec['scaleTargetRef'] as { name: string }).name);
    const byOperator = manifests.find(({ kind }) => kind === 'ChatCluster')?.spec ?? {};
    if (byOperator['gateways']) scaled.push('runnel-gateway');
    if (byOperator['ai']) scaled.push('runnel-ai');
    const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
    for (const { metadata, spec } of deployments) {
      expect(spec.replicas === undefined, metadata.name).toBe(scaled.includes(metadata.name));
    }
  });

  test('only gateway and operator get a token; a gateway may only read EndpointSlices', () => {
    const manifests = render({ profile });
    const withToken = workloads(manifests).filter(({ pod }) => pod.automountServiceAccountToken !== false);
    const operated = profile === 'operator-values.yaml';
    expect(withToken.map(({ component }) => component).toSorted()).toEqual(operated ? ['gateway', 'operator'] : ['gateway']);
    const roles = manifests.filter(({ kind }) => kind === 'Role');
    expect(roles.map(({ metadata }) => metadata.name).toSorted()).toEqual(
      operated ? ['runnel-gateway', 'runnel-operator'] : ['runnel-gateway'],
    );
    const rules = roles
      .filter(({ metadata }) => metadata.name === 'runnel-gateway')
      .flatMap((role) => (role as unknown as { rules: unknown[] }).rules);
    expect(rules).toEqual([{ apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] }]);
    expect(manifests.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
  });
});

test('a new chart replaces no pod by its version alone', () => {
  for (const { component, manifest, labels } of workloads(render({ profile: 'dev-values.yaml' })))
    if (manifest.kind !== 'Pod') expect(JSON.stringify(labels), component).not.toContain('helm.sh/chart');
});

test('suites of helm-unittest pass', () => {
  const output = execFileSync(goTool('untt'), ['--strict', CHART], { encoding: 'utf8' });
  expect(output).toMatch(/Tests: +\d+ passed/);
  expect(output).not.toMatch(/0 passed, 0 total/);
});

/** The fields of Pod Security Standards "restricted", and what we ask beyond it. */
const restrictedProblems = (pod: PodSpec): string[] => {
  const problems: string[] = [];
  const hold = (condition: boolean, what: string): void => void (condition || problems.push(what));
  hold(pod.hostNetwork !== true, 'hostNetwork');
  hold(pod.securityContext?.['runAsNonRoot'] === true, 'runAsNonRoot');
  hold((pod.securityContext?.['seccompProfile'] as { type?: string })?.type === 'RuntimeDefault', 'seccompProfile');
  const allowed = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret']);
  for (const { name, ...source } of pod.volumes ?? [])
    hold(
      Object.keys(source).every((key) => allowed.has(key)),
      `volume ${String(name)}`,
    );
  for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
    const context = container.securityContext ?? {};
    hold(context['allowPrivilegeEscalation'] === false, `${container.name}: allowPrivilegeEscalation`);
    hold(context['readOnlyRootFilesystem'] === true, `${container.name}: readOnlyRootFilesystem`);
    hold(context['privileged'] !== true, `${container.name}: privileged`);
    hold(JSON.stringify(context['capabilities']) === '{"drop":["ALL"]}', `${container.name}: capabilities`);
    hold(hasLimits(container), `${container.name}: resources`);
  }
  return problems;
};

const hasLimits = ({ resources }: Container): boolean =>
  resources?.requests?.['cpu'] !== undefined && resources.requests['memory'] !== undefined && resources.limits?.['memory'] !== undefined;
