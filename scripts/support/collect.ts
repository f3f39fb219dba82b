import { randomBytes } from 'node:crypto';
import { redact, withoutValues } from './redact.ts';

/** Runs kubectl and gives what it prints; rejects with what it complains about. */
export type Kubectl = (args: readonly string[]) => Promise<string>;

export interface Where {
  namespace: string;
  /** Of the Helm release. */
  release: string;
}

/** Enough for the story of an hour, and bounded however much a pod says. */
const LOG_BOUNDS = ['--tail=5000', '--limit-bytes=2000000', '--timestamps=false'];
/** Secrets are not among them, and never asked for. */
const KINDS =
  'pods,deployments,statefulsets,replicasets,services,horizontalpodautoscalers,poddisruptionbudgets,networkpolicies,jobs,cronjobs';
const INTERNAL_PORTS: Readonly<Record<string, number>> = { gateway: 9080, ai: 9081, audit: 9082 };

interface Pod {
  metadata: { name: string; labels?: Record<string, string> };
}

/** What a helper looks at, by the names of files. What cannot be had says why in its place. */
export const collect = async (
  kubectl: Kubectl,
  { namespace, release }: Where,
  salt = randomBytes(16).toString('hex'),
): Promise<Map<string, string>> => {
  const files = new Map<string, string>();
  const ours = ['-n', namespace, '-l', `app.kubernetes.io/instance=${release}`];
  const keep = async (name: string, ask: () => Promise<string>): Promise<void> => {
    const text = await ask().catch((error: unknown) => `not had: ${error instanceof Error ? error.message : String(error)}\n`);
    files.set(name, redact(text, salt));
  };
  await keep('versions.json', () => kubectl(['version', '-o', 'json']));
  await keep('events.txt', () => kubectl(['get', 'events', '-n', namespace, '--sort-by=.lastTimestamp']));
  let pods: Pod[] = [];
  await keep('objects.json', async () => {
    const { items } = JSON.parse(await kubectl(['get', KINDS, ...ours, '-o', 'json'])) as { items: ({ kind: string } & Pod)[] };
    pods = items.filter(({ kind }) => kind === 'Pod');
    return `${JSON.stringify(withoutValues(items), null, 1)}\n`;
  });
  for (const { metadata } of pods) {
    const { name, labels = {} } = metadata;
    await keep(`logs/${name}.jsonl`, () => kubectl(['logs', '-n', namespace, name, '--all-containers', ...LOG_BOUNDS]));
    await keep(`logs/${name}.previous.jsonl`, () =>
      kubectl(['logs', '-n', namespace, name, '--all-containers', '--previous', ...LOG_BOUNDS]),
    );
    const port = INTERNAL_PORTS[labels['app.kubernetes.io/component'] ?? ''];
    if (port === undefined) continue;
    const raw = (path: string) => () => kubectl(['get', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}:${port}/proxy${path}`]);
    await keep(`pods/${name}.metrics.txt`, raw('/metrics'));
    await keep(`pods/${name}.ready.json`, raw('/readyz'));
  }
  return files;
};
