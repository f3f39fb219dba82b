import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/** @param {{ packages?: object } | undefined} wanted package-lock.json  @param {{ packages?: object } | undefined} got npm's record of what it installed */
export function lockMatches(wanted, got) {
  if (wanted?.packages === undefined || got?.packages === undefined) return false;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    const installed = got.packages[path];
    // Optional packages for other platforms are in the lock file only.
    if (installed === undefined) return entry.optional === true || entry.devOptional === true;
    return installed.version === entry.version && installed.integrity === entry.integrity;
  });
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes its own stamp when an installation is complete
 * (`node_modules/.package-lock.json`); comparing contents, unlike times, survives a checkout and a copied cache.
 */
export function isInstalled(root) {
  const got = readJson(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readJson(join(root, 'package-lock.json'));
  return wanted === undefined ? got !== undefined : lockMatches(wanted, got);
}
