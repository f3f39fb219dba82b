// `npm run dev`: everything in one process that restarts when a file changes, and the web page from Vite with hot reload.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const children = [
  ['--watch', '--watch-preserve-output', 'services/standalone/src/main.ts', ...process.argv.slice(2)],
  [join(root, 'node_modules/vite/bin/vite.js'), 'web', '--clearScreen', 'false'],
].map((args) => spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }));

let exitCode = 0;
const endAll = (signal) => children.forEach((child) => child.kill(signal));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => endAll(signal));
for (const child of children) {
  child.on('exit', (code) => {
    exitCode ||= code ?? 0;
    process.exitCode = exitCode;
    // One without the other is of no use.
    endAll('SIGTERM');
  });
}
