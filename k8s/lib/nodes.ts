import { words } from './cluster.ts';
import { shell } from './shell.ts';

/** Kills a machine of the cluster as a power cut would, and starts it again. */
export interface NodePower {
  kill(node: string): Promise<unknown>;
  start(node: string): Promise<unknown>;
}

/** By K8S_KILL_NODE and K8S_START_NODE, commands in which `{}` is the node's name (kind: `docker kill {}`); null when not set. */
export const nodePower = (env: NodeJS.ProcessEnv): NodePower | null => {
  const [kill, start] = [words(env['K8S_KILL_NODE']), words(env['K8S_START_NODE'])];
  if (kill.length === 0 || start.length === 0) return null;
  const run =
    ([program, ...args]: readonly string[]) =>
    (node: string) =>
      shell(
        program!,
        args.map((word) => word.replace('{}', node)),
      );
  return { kill: run(kill), start: run(start) };
};
