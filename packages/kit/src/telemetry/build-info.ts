import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metrics } from '../metrics.ts';

/** The `package.json` of the whole lies there in a checkout and in an image. */
const ROOT = join(import.meta.dirname, '../../../..');

/** The release that runs, as its `package.json` has it; `unknown` where there is none. */
export const ownVersion = (root = ROOT): string => {
  try {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : 'unknown';
  } catch {
    return 'unknown';
  }
};

/** Always 1: joined to other figures it parts a canary's from the rest. */
export const showBuild = (metrics: Metrics, commit: string, version = ownVersion()): void =>
  metrics.gauge('runnel_build_info', '1, with the release and the commit that run', ['version', 'commit']).set({ version, commit }, 1);
