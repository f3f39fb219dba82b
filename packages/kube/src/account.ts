import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How a process shows itself to an API server. */
export interface KubeAccount {
  /** `https://host:port` */
  server: string;
  namespace: string;
  /** PEM; empty: Node's own authorities. */
  ca: string;
  /** Asked for each call: Kubernetes replaces it. */
  token(): Promise<string>;
}

/** Where a pod's own token, authority and namespace are mounted. */
export const ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A token is replaced when four fifths of its time (ten minutes at least) have passed: one that was read a minute ago still serves. */
const FRESH_MS = 60_000;

/** The account of the pod itself. Rejects where none is mounted. */
export const podAccount = async (server: string, dir: string = ACCOUNT_DIR, now = () => performance.now()): Promise<KubeAccount> => {
  const read = async (name: string): Promise<string> => (await readFile(join(dir, name), 'utf8')).trim();
  const [namespace, ca] = await Promise.all([read('namespace'), read('ca.crt')]);
  let known: { token: string; at: number } | undefined;
  return {
    server,
    namespace,
    ca,
    async token() {
      if (known === undefined || now() - known.at >= FRESH_MS) {
        const at = now();
        known = { token: await read('token'), at };
      }
      return known.token;
    },
  };
};
