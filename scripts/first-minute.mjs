// `npm run first-minute`: what a newcomer does, with each Node and npm they may have: a fresh clone of HEAD, `npm start`, one prompt, one
// answer. Installs the Nodes and npms from the registry into a folder of its own; nothing else of the machine is used. For the night.
//   npm run first-minute -- --only 18.20.8/9.9.4
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Each Node with the npm that comes with it, and the pairs a person gets who updated one of the two. */
const PAIRS = [
  ['18.20.8', '9.9.4'],
  ['18.20.8', '10.9.9'],
  ['20.20.2', '10.9.9'],
  ['20.20.2', '11.19.1'],
  ['22.23.3', '10.9.9'],
  ['24.21.0', '11.19.1'],
  ['26.12.1', '11.19.1'],
];
const START_MS = 240_000;
const PORT = 18_470;

/** A package of the registry in a folder of its own; installed once. */
const fetchPackage = (folder, name, version) => {
  const prefix = join(folder, `${name}-${version}`);
  const there = join(prefix, 'node_modules', name);
  if (!existsSync(join(there, 'package.json'))) {
    mkdirSync(prefix, { recursive: true });
    writeFileSync(join(prefix, 'package.json'), '{}');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', `${name}@${version}`], {
      cwd: prefix,
    });
  }
  return there;
};

/** A folder to put first on the PATH, with `node` and `npm` as that newcomer has them. */
const toolsOf = (folder, node, npm) => {
  const bin = join(folder, `bin-${node}-${npm}`);
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin);
  symlinkSync(join(fetchPackage(folder, `node-linux-${process.arch}`, node), 'bin', 'node'), join(bin, 'node'));
  symlinkSync(join(fetchPackage(folder, 'npm', npm), 'bin', 'npm-cli.js'), join(bin, 'npm'));
  return bin;
};

const until = async (what, condition, deadlineMs) => {
  const deadline = performance.now() + deadlineMs;
  while (performance.now() < deadline) {
    const answer = await condition();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`waited ${Math.round(deadlineMs / 1000)} s for ${what}`);
};

const ask = async (origin) => {
  const call = (path, body) =>
    fetch(`${origin}${path}?user_id=newcomer`, {
      signal: AbortSignal.timeout(2_000),
      ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    }).catch(() => undefined);
  await until('the page to answer', async () => (await call('/'))?.ok, START_MS);
  const prompt = { conversationId: 'first', messageId: 'm1', runId: 'r1', text: 'count 3 at 50', model: 'count' };
  const answer = await call('/api/chat', prompt);
  if (answer?.status !== 202) throw new Error(`the prompt was answered ${answer?.status}`);
  const said = async () => (await (await call('/api/history/first'))?.text())?.includes('w000001 w000002 w000003');
  await until('the answer', said, 10_000);
};

const tryPair = async (folder, [node, npm]) => {
  const clone = mkdtempSync(join(tmpdir(), 'runnel-clone-'));
  const env = { HOME: clone, PATH: `${toolsOf(folder, node, npm)}:/usr/bin:/bin`, PORT: String(PORT), INTERNAL_PORT: String(PORT + 1) };
  let output = '';
  let child;
  try {
    execFileSync('git', ['clone', '-q', root, join(clone, 'runnel')]);
    for (const name of ['npm_config_registry', 'npm_config_cafile', 'NODE_EXTRA_CA_CERTS', 'npm_config_userconfig']) {
      if (process.env[name] !== undefined) env[name] = process.env[name];
    }
    // npm's own settings, such as a mirror: a newcomer has them, too.
    if (env.npm_config_userconfig === undefined) env.npm_config_userconfig = join(process.env.HOME ?? '/', '.npmrc');
    child = spawn('npm', ['start'], { cwd: join(clone, 'runnel'), env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (data) => (output = `${output}${data}`.slice(-4_000)));
    const gone = new Promise((_, reject) => child.once('exit', (code) => reject(new Error(`npm start ended with ${code}`))));
    gone.catch(() => undefined);
    await Promise.race([ask(`http://127.0.0.1:${PORT}`), gone]);
    return undefined;
  } catch (error) {
    return `${error.message}\n${output.trimEnd()}`;
  } finally {
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      process.kill(-child.pid, 'SIGTERM');
      const late = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), 15_000);
      await ended;
      clearTimeout(late);
    }
    rmSync(clone, { recursive: true, force: true });
  }
};

const { values } = parseArgs({ options: { only: { type: 'string' }, tools: { type: 'string' } } });
const folder = values.tools ?? mkdtempSync(join(tmpdir(), 'runnel-tools-'));
mkdirSync(folder, { recursive: true });
let failed = 0;
const pairs = values.only === undefined ? PAIRS : values.only.split(',').map((pair) => pair.split('/'));
for (const pair of pairs) {
  const startedAt = performance.now();
  const problem = await tryPair(folder, pair);
  if (problem !== undefined) failed++;
  console.log(
    `${problem === undefined ? 'ok  ' : 'FAIL'} Node ${pair[0].padEnd(8)} npm ${pair[1].padEnd(8)} ${Math.round((performance.now() - startedAt) / 1000)} s`,
  );
  if (problem !== undefined) console.log(problem.replaceAll(/^/gm, '     '));
}
if (values.tools === undefined) rmSync(folder, { recursive: true, force: true });
console.log(`${pairs.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
