import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { goTool } from '../../scripts/go-tools.mjs';

export const CHART = join(import.meta.dirname, '../runnel');
export const PROFILES = readdirSync(join(CHART, 'ci')).toSorted();
export const HELMS = ['helm3', 'helm4'] as const;

/** What the least release needs to be rendered. */
export const LEAST = ['auth.mode=dev', 'redis.url=redis://redis:6379'];

export interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string; valueFrom?: object }[];
  command?: string[];
  ports?: { name: string; containerPort: number }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: Record<string, unknown>;
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  volumeMounts?: { name: string }[];
}
export interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
  terminationGracePeriodSeconds?: number;
  securityContext?: Record<string, unknown>;
  volumes?: Record<string, unknown>[];
  automountServiceAccountToken?: boolean;
  hostNetwork?: boolean;
}
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
  // Each test knows the kind it looks at.
  spec: Record<string, unknown> & { replicas?: number; template?: { metadata: { labels: Record<string, string> }; spec: PodSpec } };
}

/** Runs helm and gives what it printed. @throws Error with what it complained about */
export const helm = (tool: (typeof HELMS)[number], ...args: string[]): string => {
  try {
    return execFileSync(goTool(tool), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
};

export const parsed = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** With a values file of one's own. */
export const renderValues = (file: string, tool: (typeof HELMS)[number] = 'helm4'): Manifest[] =>
  parsed(helm(tool, 'template', 'runnel', CHART, '--namespace', 'chat', '-f', file));

export const render = (options: { profile?: string; set?: readonly string[]; tool?: (typeof HELMS)[number] }): Manifest[] => {
  const { profile, set = profile === undefined ? LEAST : [], tool = 'helm4' } = options;
  const file = profile === undefined ? [] : ['-f', join(CHART, 'ci', profile)];
  const text = helm(tool, 'template', 'runnel', CHART, '--namespace', 'chat', ...file, ...set.flatMap((value) => ['--set', value]));
  return parsed(text);
};

export const EXAMPLES = join(CHART, '../examples');

/** An example on top of the least release, as its reader would. */
export const renderExample = (file: string, tool: (typeof HELMS)[number] = 'helm4'): Manifest[] => {
  const least = file === 'rollout-gate.yaml' ? LEAST : ['auth.mode=dev'];
  const set = least.flatMap((value) => ['--set', value]);
  return parsed(helm(tool, 'template', 'runnel', CHART, '--namespace', 'chat', '-f', join(EXAMPLES, file), ...set));
};

export interface Workload {
  /** `gateway`, `ai`, … */
  component: string;
  manifest: Manifest;
  labels: Record<string, string>;
  pod: PodSpec;
}

/** Everything that becomes pods. */
export const workloads = (manifests: readonly Manifest[]): Workload[] =>
  manifests.flatMap((manifest) => {
    const pod = manifest.kind === 'Pod' ? (manifest.spec as unknown as PodSpec) : manifest.spec?.template?.spec;
    if (pod === undefined) return [];
    const labels = manifest.kind === 'Pod' ? manifest.metadata.labels : manifest.spec.template!.metadata.labels;
    return [{ component: labels['app.kubernetes.io/component']!, manifest, labels, pod }];
  });

export const values = (): Record<string, unknown> => parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Record<string, unknown>;
