// promtool and prometheus, from Debian's package. Installing that would start a Prometheus on the machine, so the package is
// only unpacked, and of it only the two binaries are kept, under the home directory.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runnel', 'promtool');
const FETCH_MS = 300_000;

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const find = (name) => [folder, ...(process.env.PATH ?? '').split(delimiter)].map((dir) => join(dir, name)).find(isExecutable);
export const findPromtool = () => find('promtool');
export const findPrometheus = () => find('prometheus');

export function fetchPrometheus() {
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'fetch-'));
  const run = (program, ...args) => spawnSync(program, args, { cwd: work, encoding: 'utf8', timeout: FETCH_MS });
  try {
    // Lists that are missing or old are the usual reason that a download fails.
    if (run('apt-get', 'download', 'prometheus').status !== 0) {
      run('apt-get', '-q', 'update');
      const again = run('apt-get', 'download', 'prometheus');
      if (again.status !== 0) return `apt-get download prometheus: ${String(again.stderr).trim()}`;
    }
    const archive = readdirSync(work).find((name) => name.endsWith('.deb'));
    const unpacked = run('dpkg-deb', '-x', archive, 'tree');
    for (const name of ['promtool', 'prometheus']) {
      const binary = join(work, 'tree/usr/bin', name);
      if (!existsSync(binary)) return `dpkg-deb -x ${archive}: ${String(unpacked.stderr).trim()}`;
      renameSync(binary, join(folder, name));
    }
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
