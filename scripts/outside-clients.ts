// `npm run clients`: other people's clients, unmodified, against a Runnel. Installs the versions of clients/outside in a folder of its
// own (npm, and a virtual environment of Python), then runs the tests that `npm test` skips where a client is missing.
import { join } from 'node:path';
import { root, runNode } from './lib/command.ts';
import { installJavaScriptClients, installPythonClients, JAVASCRIPT_TESTS, PYTHON_TESTS } from './lib/install-clients.ts';

const installed = async (): Promise<Record<string, string>> => {
  console.log('Installing the clients for JavaScript …');
  const javascript = await installJavaScriptClients();
  console.log('Installing the clients for Python …');
  return { ...javascript, ...(await installPythonClients()) };
};

try {
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', ...JAVASCRIPT_TESTS, ...PYTHON_TESTS];
  const { code } = await runNode(args, { onLine: (line) => console.log(line), env: await installed() });
  process.exitCode = code;
} catch (error) {
  console.error(`runnel: ${(error as Error).message}`);
  process.exitCode = 1;
}
