import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A release of before, as sources that can be started. */
export interface OlderCheckout {
  root: string;
  remove(): Promise<void>;
}

/**
 * Takes a commit out of this clone's history. Its dependencies are today's, linked, for both lock files ask for the same versions of
 * what runs; its own packages are its own.
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
  const root = await mkdtemp(join(tmpdir(), 'runnel-older-'));
  const archive = spawn('git', ['archive', commit, 'packages', 'services', 'package.json', 'tsconfig.json'], { cwd: ROOT });
  const tar = spawn('tar', ['-x', '-C', root], { stdio: ['pipe', 'ignore', 'inherit'] });
  archive.stdout.pipe(tar.stdin);
  const [code] = (await once(tar, 'close')) as [number];
  if (code !== 0) throw new Error(`tar ended with ${code}`);
  const modules = join(root, 'node_modules');
  await mkdir(join(modules, '@runnel'), { recursive: true });
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (name !== '@runnel' && !name.startsWith('.')) await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const group of ['packages', 'services']) {
    for (const name of await readdir(join(root, group))) await symlink(join(root, group, name), join(modules, '@runnel', name));
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
};
