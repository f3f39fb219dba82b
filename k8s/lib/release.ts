import { join } from 'node:path';
import { call, waitFor } from '@runnel/e2e';
import { goTool } from '../../scripts/go-tools.mjs';
import { root, runCommand } from '../../scripts/lib/command.ts';
import { podMemory } from './pod-memory.ts';
import { schedulable, type NodeSpec } from './schedulable.ts';
import { shell } from './shell.ts';

export const CHART = join(root, 'helm/runnel');
/** What people may have installed before this one; packaged from the commit that came before it. */
export const PREVIOUS_CHART = join(root, 'k8s/previous/runnel-0.1.0.tgz');
const ENTRY = join(root, 'k8s/entry.yaml');
export const COMPONENTS = ['gateway', 'ai', 'audit', 'web'] as const;
export type Component = (typeof COMPONENTS)[number];
/** What somebody outside reaches. */
export type Exposed = 'gateway' | 'web';

/** The node with this label holds the development stores: their data goes with their pods, so it is never drained or killed. */
const STORES_LABEL = 'runnel.dev/stores';
const PODS = 'app.kubernetes.io/component';
/** Deadlines, not figures: generous, for a machine that has other things to do. The whole run has one, too (suite.ts). */
const WAIT = ['--wait', '--timeout', '240s'];
const ROLLOUT = '--timeout=240s';
const NODES_MS = 60_000;
const LEAVING_MS = 120_000;
const ANSWERS_MS = 60_000;

/** What both charts understand. */
export const BASE_VALUES = ['auth.mode=dev', 'rateLimitPerMinute=100000'];
/** The load plays many people under a few names. */
export const WITHOUT_LIMITS = [
  'maxRunsPerUser',
  'maxSocketsPerUser',
  'maxFollowsPerUser',
  'maxBytesPerUserDay',
  'maxCommandsPerMinute',
].map((limit) => `limits.${limit}=0`);
/** A node of two cores takes all of the release, also while the other one is drained or dead; on a full one Redis goes before who waits for it. */
const CORES = [
  'redis.development.resources.requests.cpu=500m',
  ...['gateway', 'ai', 'audit'].map((pod) => `${pod}.resources.requests.cpu=150m`),
];
/** Everything in the release, its stores on one node. */
export const ALL_VALUES = [
  ...BASE_VALUES,
  ...WITHOUT_LIMITS,
  ...CORES,
  'audit.enabled=true',
  ...['redis', 'postgres', 'kafka'].flatMap((store) => [
    `${store}.development.enabled=true`,
    `${store}.development.image=runnel/${store}:0.1.0`,
    `${store}.development.storage=`,
    `${store}.development.nodeSelector.${STORES_LABEL.replaceAll('.', '\\.')}=here`,
  ]),
];

export type Release = ReturnType<typeof release>;

/** A release of the chart in a namespace of its own, by the real helm and kubectl. */
export const release = (name: string, namespace: string) => {
  const kubectl = (...args: string[]): Promise<string> => shell('kubectl', ['-n', namespace, ...args]);
  const helm = (...args: string[]): Promise<string> => shell(goTool('helm4'), ['-n', namespace, ...args]);
  const words = async (...args: string[]): Promise<string[]> => (await kubectl(...args)).split(/\s+/).filter(Boolean);
  const set = (values: readonly string[]): string[] => values.flatMap((value) => ['--set', value]);
  const nodes = async (): Promise<NodeSpec[]> => (JSON.parse(await kubectl('get', 'nodes', '-o', 'json')) as { items: NodeSpec[] }).items;
  const nodeNames = async (): Promise<string[]> => (await nodes()).map(({ metadata }) => metadata.name);

  /** What pods said that do not come up. */
  const lastWords = async (): Promise<string> => {
    const logs = ['logs', '-l', `app.kubernetes.io/instance=${name}`, '--all-containers', '--prefix', '--tail=4', '--ignore-errors'];
    const told = await Promise.allSettled([kubectl('get', 'pods'), kubectl(...logs)]);
    return told.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason))).join('\n');
  };

  return {
    kubectl,
    /** @throws Error when the cluster has no two nodes that take pods */
    async createNamespace() {
      const takePods = async (): Promise<string[] | false> => {
        const names = schedulable(await nodes());
        return names.length > 1 && names;
      };
      const [first] = await waitFor(takePods, { deadlineMs: NODES_MS, everyMs: 1_000, what: 'two nodes that take pods (two workers)' });
      // What a run that was killed has left.
      await shell('kubectl', ['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s']);
      await shell('kubectl', ['create', 'namespace', namespace]);
      const levels = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
      await shell('kubectl', ['label', 'namespace', namespace, ...levels]);
      await kubectl('apply', '-f', ENTRY);
      // Pods are refused until the controllers have made it.
      const account = async (): Promise<boolean> => (await words('get', 'serviceaccount', 'default', '-o', 'name')).length > 0;
      await waitFor(account, { deadlineMs: NODES_MS, everyMs: 200, what: 'the default service account' });
      await shell('kubectl', ['label', 'nodes', '--all', `${STORES_LABEL}-`]);
      await shell('kubectl', ['label', 'node', first!, `${STORES_LABEL}=here`]);
    },
    async removeNamespace() {
      await runCommand('kubectl', ['label', 'nodes', '--all', `${STORES_LABEL}-`]);
      await runCommand('kubectl', ['delete', 'namespace', namespace, '--wait=false']);
    },

    async install(chart: string, values: readonly string[]) {
      try {
        return await helm('install', name, chart, ...set(values), ...WAIT);
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${await lastWords()}`, { cause: error });
      }
    },
    /** The kinds of a cluster; they stay when the chart goes. */
    installKinds: (chart: string) => helm('upgrade', '--install', 'runnel-crds', chart),
    /** With them goes every object of theirs. */
    removeKinds: () => shell('kubectl', ['delete', 'crd', 'chatmodels.runnel.dev', 'chatclusters.runnel.dev', '--ignore-not-found']),
    upgrade: (chart: string, values: readonly string[]) => helm('upgrade', name, chart, ...set(values), ...WAIT),
    rollback: () => helm('rollback', name, ...WAIT),
    /** All tests of the release, or that of this name. */
    test: (only?: string) => helm('test', name, '--logs', '--timeout', '120s', ...(only ? ['--filter', `name=${name}-${only}`] : [])),
    uninstall: () => helm('uninstall', name, '--wait', '--timeout', '120s'),

    pods: (component: Component) =>
      words('get', 'pods', '-l', `${PODS}=${component}`, '--field-selector=status.phase=Running', '-o', 'name'),
    /** A node that may be lost. @throws Error when there is none */
    async otherNode(): Promise<string> {
      const stores = await words('get', 'nodes', '-l', STORES_LABEL, '-o', 'jsonpath={.items[*].metadata.name}');
      const node = schedulable(await nodes()).find((found) => !stores.includes(found));
      if (node === undefined) throw new Error('no node but that of the stores takes pods');
      return node;
    },
    nodeReady: async (node: string) =>
      (await kubectl('get', 'node', node, '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')) === 'True',

    restart: (component: Component) => kubectl('rollout', 'restart', `deploy/${name}-${component}`),
    available: (component: Component) => kubectl('rollout', 'status', `deploy/${name}-${component}`, ROLLOUT),
    /** Waits for every pod that was told to go, too. */
    async rolledOut(component: Component) {
      await kubectl('rollout', 'status', `deploy/${name}-${component}`, ROLLOUT);
      const leaving = ['get', 'pods', '-l', `${PODS}=${component}`, '-o', 'jsonpath={.items[*].metadata.deletionTimestamp}'];
      await waitFor(async () => (await words(...leaving)).length === 0, {
        deadlineMs: LEAVING_MS,
        everyMs: 500,
        what: `the old ${component} pods to end`,
      });
    },
    memory: () => podMemory(nodeNames, namespace),
    /** The audit's own word on what it stored. */
    verify: () => kubectl('exec', `deploy/${name}-audit`, '-c', 'audit', '--', 'node', '/app/services/audit/src/cli/main.ts', 'verify'),

    /** The address of a component for somebody outside; resolves when it answers. */
    async expose(component: Exposed, path: string): Promise<string> {
      const service = `test-${component}`;
      await kubectl('expose', `deploy/${name}-${component}`, `--name=${service}`, '--type=NodePort', '--port=8080', '--target-port=http');
      const [port] = await words('get', 'service', service, '-o', 'jsonpath={.spec.ports[0].nodePort}');
      const stores = ['get', 'nodes', '-l', STORES_LABEL];
      const [address] = await words(...stores, '-o', 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}');
      const origin = `http://${address}:${port}`;
      await waitFor(async () => (await call('GET', `${origin}${path}`)).status === 200, {
        deadlineMs: ANSWERS_MS,
        everyMs: 200,
        what: origin,
      });
      return origin;
    },
    unexpose: (component: Exposed) => kubectl('delete', 'service', `test-${component}`, '--ignore-not-found'),

    /** Everything of ours that is still there. */
    async leftovers(): Promise<string[]> {
      const kinds = 'all,cm,secret,pdb,netpol,sa,role,rolebinding,ingress,hpa,pvc,endpointslices';
      return words('get', kinds, '-l', `app.kubernetes.io/instance=${name}`, '-o', 'name', '--ignore-not-found');
    },
  };
};
