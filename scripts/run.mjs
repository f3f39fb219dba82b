// Entry of every `npm run …`. Plain JavaScript for any Node ≥ 18: it installs what the lock file asks for and hands over to
// the Node 24 that comes with it, so that nobody needs another Node than the one they have.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled } from './lib/installed.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const binDir = join(root, 'node_modules', '.bin');
const NODE_MAJOR = 24;
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
  story: [['scripts/system.mjs', 'redis-server', 'java', 'maven', 'chromium', 'prometheus'], ['observability/stories/run.ts']],
  images: [['scripts/images/build.mjs']],
  'test:k8s': [['scripts/system.mjs', 'postgresql', 'java', 'maven'], ['k8s/test.ts']],
  model: [['scripts/model.mjs']],
  format: [['scripts/format.mjs']],
  docs: [['scripts/docs.ts']],
  audit: [['services/audit/src/cli/main.ts']],
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
function run(command, args) {
  return new Promise((resolve) => {
    const env = { ...process.env, PATH: `${binDir}${delimiter}${process.env.PATH ?? ''}` };
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env });
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

async function install() {
  const hasLock = existsSync(join(root, 'package-lock.json'));
  if (isInstalled(root)) return;
  console.error('runnel: installing dependencies (once)');
  const code = await run('npm', [hasLock ? 'ci' : 'install', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0) fail('the dependencies could not be installed; see above, and try `npm ci` by hand');
}

/** Node 24 from node_modules; the machine's own where there is no such package for the platform. */
function findNode() {
  const bundled = join(binDir, 'node');
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
  return fail(`needs Node ${NODE_MAJOR} here: for ${process.platform} ${process.arch} there is none among the dependencies`);
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
