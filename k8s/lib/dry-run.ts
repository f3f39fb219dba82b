import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROFILES, render } from '../../helm/tests/chart.ts';
import type { Release } from './release.ts';

/** Kinds that a bare cluster does not know; kubeconform looks at the rest of them in `npm test`. */
const FOREIGN = new Set(['HTTPRoute', 'ServiceMonitor', 'PrometheusRule', 'ScaledObject', 'Certificate']);

/** Our own kinds, which the operator's chart brings: the API server has to know them before it can read objects of them. */
const CRDS = join(import.meta.dirname, '../../helm/runnel-crds/templates');

/**
 * Every object of every profile, read by the API server as if it came to stay: its defaults, its admission, Pod Security's warnings.
 * @throws Error with what it refused or warned of
 */
export const dryRun = async ({ kubectl }: Pick<Release, 'kubectl'>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-dry-run-'));
  let objects = 0;
  try {
    await kubectl('apply', '-f', CRDS);
    await kubectl('wait', '--for=condition=established', '--timeout=30s', '-f', CRDS);
    for (const profile of PROFILES) {
      const items = render({ profile }).filter(({ kind }) => !FOREIGN.has(kind));
      const file = join(folder, `${profile}.json`);
      await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      const said = await kubectl('apply', '--dry-run=server', '-f', file);
      if (/warning/i.test(said)) throw new Error(`${profile}: ${said}`);
      objects += items.length;
    }
  } finally {
    await kubectl('delete', '--ignore-not-found', '-f', CRDS);
    await rm(folder, { recursive: true, force: true });
  }
  return `${objects} objects of ${PROFILES.length} profiles`;
};
