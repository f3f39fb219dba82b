// Entry of every `npm run …`. Plain JavaScript for any Node ≥ 18: it installs what the lock file asks for and hands over to
// the Node 24 that comes with it, so that nobody needs another Node than the one they have.
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledNode, isInstalled, thisPlatform } from './lib/installed.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const binDir = join(root, 'node_modules', '.bin');
const NODE_MAJOR = 24;
const platform = thisPlatform();
const ORPHAN_CHECK_MS = 250;

/** Each command: steps that run one after the other; the last one gets the arguments. */
const COMMANDS = {
  start: [['scripts/build-web.mjs'], ['services/standalone/src/main.ts']],
  dev: [['scripts/dev.mjs']],
  test: [['scripts/test.ts']],
  check: [['scripts/check.ts']],
  bench: [['scripts/system.mjs', 'redis-server'], ['bench/run.ts']],
  'bench:peers': [['scripts/system.mjs', 'redis-server'], ['bench/peers/run.ts']],
  loadtest: [['scripts/system.mjs', 'redis-server', 'nginx'], ['loadtest/run.ts']],
  e2e: [['scripts/system.mjs', 'redis-server', 'nginx', 'postgresql', 'java', 'maven'], ['e2e/run.ts']],
  cluster: [['scripts/system.mjs', 'redis-server'], ['scripts/build-web.mjs'], ['e2e/up.ts']],
  story: [
    ['scripts/system.mjs', 'redis-server', 'java', 'maven', 'chromium-headless-shell', 'prometheus'],
    ['observability/stories/run.ts'],
  ],
  size: [['scripts/size/run.ts']],
  support: [['scripts/support/run.ts']],
  images: [['scripts/images/build.mjs']],
  packages: [['scripts/packages/build.ts']],
  changeset: [['scripts/changeset.mjs']],
  'test:k8s': [['scripts/system.mjs', 'postgresql', 'java', 'maven'], ['k8s/test.ts']],
  model: [['scripts/model.mjs']],
  scan: [['scripts/scan.mjs']],
  format: [['scripts/format.mjs']],
  docs: [['scripts/docs.ts']],
  audit: [['services/audit/src/cli/main.ts']],
  clients: [['scripts/outside-clients.ts']],
  providers: [['node_modules/vitest/vitest.mjs', 'run', '--project', 'provider', '--reporter=verbose']],
  'first-minute': [['scripts/first-minute.mjs']],
  mutation: [['scripts/mutation/typescript.ts']],
  'mutation:lua': [['scripts/system.mjs', 'redis-server'], ['scripts/mutation/lua.ts']],
};

function fail(line) {
  console.error(`runnel: ${line}`);
  process.exit(1);
}

/**
 * npm passes a SIGTERM to its shell, and a shell dies of it without telling us: under npm, a lost parent means stop.
 * Returns what ends the watch.
 */
function onOrphaned(stop) {
  if (process.env.npm_lifecycle_event === undefined) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, ORPHAN_CHECK_MS);
  return () => clearInterval(timer);
}

/** The exit code of the child, by the shell's convention for one that a signal ended. Signals to us go to it. */
function run(command, args, { first = [], shell = false } = {}) {
  return new Promise((resolve) => {
    const bundled = bundledNode(root, platform);
    const path = [...first, ...(bundled === undefined ? [] : [dirname(bundled)]), binDir, process.env.PATH ?? ''];
    const env = { ...process.env, PATH: path.join(delimiter) };
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env, shell });
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    const stopWatching = onOrphaned(() => child.kill('SIGTERM'));
    const done = (code) => {
      stopWatching();
      for (const signal of signals) process.off(signal, forward);
      resolve(code);
    };
    for (const signal of signals) process.on(signal, forward);
    child.on('error', (error) => fail(`cannot run ${command}: ${error.message}`));
    child.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal]));
  });
}

const INSTALL = [existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install', '--no-audit', '--no-fund', '--loglevel=error'];

/** The npm that runs us, by the Node that runs us or by another; from the PATH where nobody said which. */
function npm(node = process.execPath, first = []) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return run(node, [cli, ...INSTALL], { first });
  return process.platform === 'win32' ? run('npm.cmd', INSTALL, { first, shell: true }) : run('npm', INSTALL, { first });
}

/**
 * npm leaves out what the Node it runs on is too old for (under Node 18, native parts of the web page's build). With the Node that came
 * with the first installation nothing is left out. That one is copied first, for npm empties node_modules.
 */
async function installAgain(bundled) {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-node-'));
  try {
    const node = join(folder, 'node');
    copyFileSync(bundled, node);
    return await npm(node, [folder]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function install() {
  if (isInstalled(root)) return;
  console.error('runnel: installing dependencies (once)');
  let code = await npm();
  const bundled = bundledNode(root, platform);
  if (!isInstalled(root) && bundled !== undefined) code = await installAgain(bundled);
  if (code !== 0) fail('the dependencies could not be installed; see above, and try `npm ci` by hand');
  if (!isInstalled(root)) fail('npm left out dependencies; remove node_modules, and try with a newer Node and npm');
}

/** Node 24 from node_modules; the machine's own where there is no such package for the platform. */
function findNode() {
  const bundled = bundledNode(root, platform);
  if (bundled !== undefined) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  const where = `${platform.os} ${platform.cpu}${platform.libc === 'musl' ? ' with musl' : ''}`;
  return fail(`install Node ${NODE_MAJOR} or newer: for ${where} there is none among the dependencies (this is ${process.versions.node})`);
}

const [name, ...args] = process.argv.slice(2);
const steps = COMMANDS[name];
if (steps === undefined) fail(`say one of: ${Object.keys(COMMANDS).join(', ')}`);
if (Number(process.versions.node.split('.')[0]) < 18) fail(`needs Node 18 or newer to begin with, this is ${process.versions.node}`);

await install();
const node = findNode();
for (const [index, step] of steps.entries()) {
  const isLast = index === steps.length - 1;
  if (!existsSync(join(root, step[0]))) fail(`${step[0]} is missing from this checkout`);
  const code = await run(node, isLast ? [...step, ...args] : step);
  if (isLast || code !== 0) process.exit(code);
}
