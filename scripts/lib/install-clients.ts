import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { root, runCommand } from './command.ts';

const listed = join(root, 'clients/outside');
const folder = join(root, 'node_modules/.cache/outside-clients');

const must = async (what: string, run: ReturnType<typeof runCommand>): Promise<void> => {
  const { code, output } = await run;
  if (code !== 0) throw new Error(`${what} failed\n${output.slice(-4_000)}`);
};

/** Installs the clients for JavaScript at the versions of `clients/outside`, in a folder of their own. What their tests need in the environment. */
export const installJavaScriptClients = async (): Promise<Record<string, string>> => {
  await mkdir(folder, { recursive: true });
  const copied = (await readdir(listed)).filter((name) => name.endsWith('.mjs') || name === 'package.json');
  await Promise.all(copied.map((name) => copyFile(join(listed, name), join(folder, name))));
  await must('npm install', runCommand('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder }));
  return { RUNNEL_OUTSIDE_CLIENTS: folder };
};

/** A virtual environment with what a list asks for: its Python. */
const pythonWith = async (name: string): Promise<string> => {
  const venv = join(folder, name);
  await must('python3 -m venv (its package is python3-venv)', runCommand('python3', ['-m', 'venv', venv]));
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(listed, `${name}.txt`)];
  await must('pip install', runCommand(join(venv, 'bin/python'), pip));
  return join(venv, 'bin/python');
};

/** The same for those of Python. */
export const installPythonClients = async (): Promise<Record<string, string>> => {
  const python = await pythonWith('requirements');
  const litellm = await pythonWith('requirements-litellm');
  return { RUNNEL_PYTHON: python, RUNNEL_LITELLM_PYTHON: litellm, RUNNEL_SCHEMATHESIS: join(dirname(python), 'schemathesis') };
};

export const JAVASCRIPT_TESTS = ['javascript-clients', 'documents'].map((name) => `services/standalone/src/${name}.test.ts`);
export const PYTHON_TESTS = ['python-clients', 'schemathesis'].map((name) => `services/standalone/src/${name}.test.ts`);
