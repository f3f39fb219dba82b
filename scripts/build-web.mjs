// Builds the web page into web/dist when its sources are newer. Also the global set-up of the browser tests.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['web', 'packages/client/src', 'packages/protocol/src', 'packages/vue/src', 'package-lock.json'];
const NOT_SOURCES = new Set(['dist', 'node_modules', 'test']);

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return /\.test\.ts$/.test(path) ? 0 : stat.mtimeMs;
  const inside = readdirSync(path).filter((name) => !NOT_SOURCES.has(name));
  return Math.max(0, ...inside.map((name) => newest(join(path, name))));
}

/** @throws Error with the builder's output when the page does not build */
export function buildWeb() {
  const built = join(root, 'web/dist/index.html');
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...SOURCES.map((source) => newest(join(root, source))))) return;
  console.error('runnel: building the web page');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  // Under a test runner NODE_ENV is `test`, and Vite would keep Vue's checks for developers: a fifth more than what people load.
  const env = { ...process.env, NODE_ENV: 'production' };
  const result = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: join(root, 'web'), encoding: 'utf8', env });
  if (result.status !== 0) throw new Error(`the web page does not build\n${result.stdout ?? ''}${result.stderr ?? ''}`);
}

/** What vitest calls before the first browser test. */
export const setup = buildWeb;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    buildWeb();
  } catch (error) {
    console.error(`runnel: ${error.message}`);
    process.exit(1);
  }
}
