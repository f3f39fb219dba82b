import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A release of before, as sources that can be started. */
export interface OlderCheckout {
  root: string;
}

/** Its services, and the manifests that its lock file speaks of. */
const PARTS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'packages',
  'services',
  ...['web', 'e2e', 'bench'].map((name) => `${name}/package.json`),
];

/** A registry may be slow. */
const INSTALL_MS = 300_000;

/**
 * Takes a commit out of this clone's history and installs what its own lock file asks for, once on each machine.
 *
 * @returns null when the clone is shallow and does not have the commit
 */
export const checkoutOlder = async (commit: string): Promise<OlderCheckout | null> => {
  const run = promisify(execFile);
  const known = await run('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: ROOT }).then(
    () => true,
    () => false,
  );
  if (!known) return null;
  // Outside of any node_modules, where Node reads no TypeScript.
  const root = join(homedir(), '.cache/runnel/releases', commit);
  const installed = join(root, 'node_modules/.package-lock.json');
  const isInstalled = await access(installed).then(
    () => true,
    () => false,
  );
  if (isInstalled) return { root };
  await rm(root, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  const archive = spawn('git', ['archive', commit, ...PARTS], { cwd: ROOT });
  const tar = spawn('tar', ['-x', '-C', root], { stdio: ['pipe', 'ignore', 'inherit'] });
  archive.stdout.pipe(tar.stdin);
  const [code] = (await once(tar, 'close')) as [number];
  if (code !== 0) throw new Error(`tar ended with ${code}`);
  const options = ['ci', '--ignore-scripts', '--omit=dev', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env['npm_execpath'];
  await run(npm === undefined ? 'npm' : process.execPath, [...(npm === undefined ? [] : [npm]), ...options], {
    cwd: root,
    timeout: INSTALL_MS,
  });
  return { root };
};
