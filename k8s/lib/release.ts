import { join } from 'node:path';
import { waitFor } from '@runnel/e2e';
import { goTool } from '../../scripts/go-tools.mjs';
import { root, runCommand } from '../../scripts/lib/command.ts';
import { shell } from './shell.ts';

const CHART = join(root, 'helm/runnel');

/** What the tests set: short drains, the development Redis, no page. */
const VALUES = [
  'auth.mode=dev',
  'web.enabled=false',
  'gateway.drainSeconds=5',
  'ai.drainSeconds=5',
  'rateLimitPerMinute=100000',
  'redis.development.enabled=true',
  'redis.development.image=runnel/redis:0.1.0',
  'redis.development.storage=',
].flatMap((value) => ['--set', value]);

export type Release = ReturnType<typeof release>;

/** A release of the chart in a namespace of its own, by the real helm and kubectl. */
export const release = (name: string, namespace: string) => {
  const kubectl = (...args: string[]): Promise<string> => shell('kubectl', ['-n', namespace, ...args]);
  const helm = (...args: string[]): Promise<string> => shell(goTool('helm4'), ['-n', namespace, ...args]);
  const words = async (...args: string[]): Promise<string[]> => (await kubectl(...args)).split(/\s+/).filter(Boolean);
  const set = (values: readonly string[]): string[] => [...VALUES, ...values.flatMap((value) => ['--set', value])];

  return {
    kubectl,
    helm,
    async createNamespace() {
      await shell('kubectl', ['create', 'namespace', namespace]);
      await shell('kubectl', ['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
    },
    install: (...values: string[]) => helm('install', name, CHART, ...set(values), '--wait', '--timeout', '120s'),
    upgrade: (...values: string[]) => helm('upgrade', name, CHART, ...set(values), '--wait', '--timeout', '120s'),
    rollback: () => helm('rollback', name, '--wait', '--timeout', '120s'),
    test: () => helm('test', name, '--logs', '--timeout', '90s'),
    uninstall: () => helm('uninstall', name, '--wait', '--timeout', '90s'),

    pods: (component: string) =>
      words('get', 'pods', '-l', `app.kubernetes.io/component=${component}`, '--field-selector=status.phase=Running', '-o', 'name'),
    nodes: () => words('get', 'nodes', '-o', 'name'),
    nodeOf: async (component: string) =>
      (await words('get', 'pods', '-l', `app.kubernetes.io/component=${component}`, '-o', 'jsonpath={.items[0].spec.nodeName}'))[0],

    /** Waits for every pod that was told to go, too. */
    async rolledOut(component: string) {
      await kubectl('rollout', 'status', `deploy/${name}-${component}`, '--timeout=120s');
      await waitFor(
        async () => {
          const states = await words(
            'get',
            'pods',
            '-l',
            `app.kubernetes.io/component=${component}`,
            '-o',
            'jsonpath={.items[*].metadata.deletionTimestamp}',
          );
          return states.length === 0;
        },
        { deadlineMs: 90_000, everyMs: 500, what: `the old ${component} pods to end` },
      );
    },

    /** A way in from outside that a balancer would be: any node, any gateway. */
    async exposeGateways(): Promise<string> {
      await kubectl('expose', `deploy/${name}-gateway`, '--name=test-entry', '--type=NodePort', '--port=8080', '--target-port=http');
      const [port] = await words('get', 'service', 'test-entry', '-o', 'jsonpath={.spec.ports[0].nodePort}');
      const [address] = await words('get', 'nodes', '-o', 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}');
      return `http://${address}:${port}`;
    },

    unexpose: () => kubectl('delete', 'service', 'test-entry', '--ignore-not-found'),

    /** Everything of ours that is still there. */
    async leftovers(): Promise<string[]> {
      const kinds = 'all,cm,secret,pdb,netpol,sa,role,rolebinding,ingress,hpa,pvc,endpointslices';
      return words('get', kinds, '-l', `app.kubernetes.io/instance=${name}`, '-o', 'name', '--ignore-not-found');
    },
    removeNamespace: () => runCommand('kubectl', ['delete', 'namespace', namespace, '--wait=false']),
  };
};
