// `npm run clients`: other people's clients, unmodified, against a Runnel. Installs the versions of clients/outside in a folder of its
// own (npm, and a virtual environment of Python), then runs the tests that `npm test` skips where a client is missing.
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { root, runCommand, runNode } from './lib/command.ts';

const listed = join(root, 'clients/outside');
const folder = join(root, 'node_modules/.cache/outside-clients');

const must = async (what: string, run: ReturnType<typeof runCommand>): Promise<void> => {
  const { code, output } = await run;
  if (code === 0) return;
  console.error(`runnel: ${what} failed\n${output.slice(-4_000)}`);
  process.exit(code);
};

await mkdir(folder, { recursive: true });
const copied = (await readdir(listed)).filter((name) => name.endsWith('.mjs') || name === 'package.json');
await Promise.all(copied.map((name) => copyFile(join(listed, name), join(folder, name))));
console.log('Installing the clients for JavaScript …');
await must('npm install', runCommand('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder }));
/** A virtual environment with what a list asks for: its Python. */
const pythonWith = async (name: string): Promise<string> => {
  const venv = join(folder, name);
  await must('python3 -m venv (its package is python3-venv)', runCommand('python3', ['-m', 'venv', venv]));
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(listed, `${name}.txt`)];
  await must('pip install', runCommand(join(venv, 'bin/python'), pip));
  return join(venv, 'bin/python');
};
console.log('Installing the clients for Python …');
const python = await pythonWith('requirements');
const litellm = await pythonWith('requirements-litellm');

const tests = ['javascript-clients', 'python-clients', 'schemathesis'].map((name) => `services/standalone/src/${name}.test.ts`);
const { code } = await runNode([join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', ...tests], {
  onLine: (line) => console.log(line),
  env: {
    RUNNEL_OUTSIDE_CLIENTS: folder,
    RUNNEL_PYTHON: python,
    RUNNEL_LITELLM_PYTHON: litellm,
    RUNNEL_SCHEMATHESIS: join(dirname(python), 'schemathesis'),
  },
});
process.exitCode = code;
