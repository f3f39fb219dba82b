import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/** @typedef {{ os: string, cpu: string, libc: 'glibc' | 'musl' | undefined }} Platform */

/** @returns {Platform} */
export function thisPlatform() {
  const { platform, arch } = process;
  const glibc = platform === 'linux' && process.report?.getReport()?.header?.glibcVersionRuntime !== undefined;
  return { os: platform, cpu: arch, libc: platform !== 'linux' ? undefined : glibc ? 'glibc' : 'musl' };
}

/** npm's rule for `os`, `cpu` and `libc`: a word, or a list of them; `!word` excludes. */
const allows = (wanted, value) => {
  if (wanted === undefined) return true;
  const words = [wanted].flat();
  if (words.includes(`!${value}`)) return false;
  return words.every((word) => word.startsWith('!')) || words.includes(value);
};

const namesPlatform = ({ os, cpu, libc }) => os !== undefined || cpu !== undefined || libc !== undefined;

/**
 * Whether an optional package may be absent: it is for another platform, or only needed by one that is (no platform named). npm also
 * leaves out optional packages whose `engines` refuse the Node that installs, such as a native binding under Node 18; those are missed.
 */
const mayBeAbsent = (entry, platform) => {
  if (entry.optional !== true && entry.devOptional !== true) return false;
  return !namesPlatform(entry) || !allows(entry.os, platform.os) || !allows(entry.cpu, platform.cpu) || !allows(entry.libc, platform.libc);
};

/**
 * @param {{ packages?: object } | undefined} wanted package-lock.json
 * @param {{ packages?: object } | undefined} got npm's record of what it installed
 * @param {Platform} platform
 */
export function lockMatches(wanted, got, platform) {
  if (wanted?.packages === undefined || got?.packages === undefined) return false;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    const installed = got.packages[path];
    if (installed === undefined) return mayBeAbsent(entry, platform);
    return installed.version === entry.version && installed.integrity === entry.integrity;
  });
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes its own stamp when an installation is complete
 * (`node_modules/.package-lock.json`); comparing contents, unlike times, survives a checkout and a copied cache. What the stamp lists
 * has to be there as well: somebody may have removed a folder.
 */
export function isInstalled(root) {
  const got = readJson(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readJson(join(root, 'package-lock.json'));
  if (got?.packages === undefined || !Object.keys(got.packages).every((path) => existsSync(join(root, path)))) return false;
  return wanted === undefined || lockMatches(wanted, got, thisPlatform());
}

/**
 * The Node 24 among the dependencies, without its link in `.bin`: npm 9 and 10 remove that link when they throw the package for the
 * other processor away, for both packages name the same command.
 *
 * @param {string} root
 * @param {Platform} platform
 * @returns {string | undefined} absolute path of the program
 */
export function bundledNode(root, { os, cpu, libc }) {
  // The program in the package is linked against glibc.
  if (os !== 'linux' || libc !== 'glibc') return undefined;
  const program = join(root, 'node_modules', `node-linux-${cpu}`, 'bin', 'node');
  return existsSync(program) ? program : undefined;
}
