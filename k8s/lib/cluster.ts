import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/lib/command.ts';
import { ensureSystem } from '../../scripts/system.mjs';
import { shell } from './shell.ts';

/** A cluster to test on and how to get at it. */
export interface Cluster {
  /** For the steps: where programs are, and how to kill and start a node (`nodes.ts`), when that is known. */
  env: Record<string, string>;
  /** Put before the test's own command where Services are reachable only from inside; often empty. */
  prefix: readonly string[];
  load(tar: string): Promise<unknown>;
  close(): Promise<unknown>;
}

const NODES = ['n1', 'n2'];
/** A root that came by `su` has no folder of the system's programs on its path; ensureSystem looks there, too. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Split as a shell does for plain words: no quoting in these settings. */
export const words = (line: string | undefined): string[] => line?.split(' ').filter(Boolean) ?? [];

/** The cluster of KUBECONFIG; its images come by K8S_LOAD_IMAGE (a command that gets the tar), or are there already. */
const givenCluster = (env: NodeJS.ProcessEnv): Cluster => {
  const [loader, ...loaderArgs] = words(env['K8S_LOAD_IMAGE']);
  return {
    env: {},
    prefix: words(env['K8S_RUN']),
    load: async (tar) => loader !== undefined && (await shell(loader, [...loaderArgs, tar])),
    close: () => Promise.resolve(),
  };
};

/**
 * A kubelet gives the pods of its node 1,024 shares a core. Here a group that the nodes are in stands above, with the 1,024 of one process: on a full
 * machine all pods together would get as much as one program beside them. Where the machine has no such groups nothing is done.
 */
const weighAsNodes = (): void => {
  for (const pods of globSync('/sys/fs/cgroup/cpu/*/n1/kubepods')) {
    const group = join(pods, '../..');
    const shares = NODES.map((node) => Number(readFileSync(join(group, node, 'kubepods/cpu.shares'), 'utf8')));
    writeFileSync(join(group, 'cpu.shares'), String(shares.reduce((sum, share) => sum + share, 0)));
  }
};

/** Two real nodes on this machine, by the tools in that folder. */
const localCluster = async (folder: string): Promise<Cluster> => {
  const missing = ensureSystem(['kubernetes-node']);
  if (missing !== undefined) throw new Error(missing);
  const tool = (name: string, ...args: string[]): Promise<string> =>
    shell(join(folder, name), args, { cwd: folder, env: { NODES: String(NODES.length), PATH } });
  await tool('build-all');
  await tool('build-images');
  const down = (): Promise<string> => tool('cluster-down', '--purge');
  await down();
  await tool('cluster-up').catch(async (error: Error) => {
    await down().catch(() => undefined);
    throw error;
  });
  weighAsNodes();
  const knode = join(folder, 'knode');
  return {
    env: { PATH, K8S_KILL_NODE: `${knode} {} kill`, K8S_START_NODE: `${knode} {} start` },
    prefix: [join(folder, 'kx')],
    load: (tar) => Promise.all(NODES.map((node) => tool('knode', node, 'load', tar))),
    close: down,
  };
};

/**
 * Which cluster it will be; what it gives opens it, which takes its time.
 * @throws Error with a sentence that says what to set when there is none to be had
 */
export const findCluster = (env: NodeJS.ProcessEnv): (() => Promise<Cluster>) => {
  if (env['KUBECONFIG'] !== undefined) return async () => givenCluster(env);
  const folder = env['K8S_TOOLS'] ?? join(root, '../shared/tools/k8s');
  if (existsSync(join(folder, 'cluster-up'))) return () => localCluster(folder);
  throw new Error('There is no cluster: set KUBECONFIG (k8s/README.md has kind in five commands), K8S_LOAD_IMAGE and, if needed, K8S_RUN.');
};
