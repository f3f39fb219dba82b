import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Metrics } from '../metrics.ts';

/** What the `package.json` of the whole is called; it lies above this file in a checkout and in an image, bundled or not. */
const WHOLE = 'runnel';

/** The release that runs, as that `package.json` has it; `unknown` where there is none above the folder. */
export const ownVersion = (folder: string = import.meta.dirname): string => {
  const { name, version } = manifestIn(folder);
  if (name === WHOLE && typeof version === 'string') return version;
  const above = dirname(folder);
  return above === folder ? 'unknown' : ownVersion(above);
};

const manifestIn = (folder: string): { name?: unknown; version?: unknown } => {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as object;
  } catch {
    return {};
  }
};

/** Always 1: joined to other figures it parts a canary's from the rest. */
export const showBuild = (metrics: Metrics, commit: string, version = ownVersion()): void =>
  metrics.gauge('runnel_build_info', '1, with the release and the commit that run', ['version', 'commit']).set({ version, commit }, 1);
