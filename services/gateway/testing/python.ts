import { execFile } from 'node:child_process';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = join(import.meta.dirname, '../../../node_modules/.cache/python');

const works = async (python: string, modules: readonly string[]): Promise<boolean> =>
  run(python, ['-c', `import sys; assert sys.version_info >= (3, 11)\nimport ${modules.join(', ')}`]).then(
    () => true,
    () => false,
  );

/**
 * A Python that has these packages: the one on the path (`RUNNEL_PYTHON` for another), else an environment of its own below `node_modules/.cache`, made once.
 * Null: there is no Python, or no registry.
 */
export const pythonWith = async (name: string, packages: readonly string[], modules: readonly string[]): Promise<string | null> => {
  const python = process.env['RUNNEL_PYTHON'] ?? 'python3';
  if (await works(python, modules)) return python;
  const home = join(CACHE, name);
  const made = join(home, 'bin/python');
  const isThere = await access(made).then(
    () => true,
    () => false,
  );
  if (isThere && (await works(made, modules))) return made;
  const fresh = `${home}.${process.pid}`;
  try {
    await mkdir(CACHE, { recursive: true });
    await run(python, ['-m', 'venv', fresh]);
    await run(join(fresh, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], {
      timeout: 300_000,
    });
    await rm(home, { recursive: true, force: true });
    await rename(fresh, home);
    return (await works(made, modules)) ? made : null;
  } catch {
    await rm(fresh, { recursive: true, force: true });
    return null;
  }
};
