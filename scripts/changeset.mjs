// `npm run changeset [-- version]`: changesets, brought by npm when it is called; `npm ci` knows nothing of it and of what it brings along.
import { spawnSync } from 'node:child_process';

const VERSION = '3.0.3';
const cli = process.env.npm_execpath;
const [program, ...first] = cli?.endsWith('.js') ? [process.execPath, cli] : ['npm'];
const args = [...first, 'exec', '--yes', `--package=@changesets/cli@${VERSION}`, '--', 'changeset', ...process.argv.slice(2)];
process.exitCode = spawnSync(program, args, { stdio: 'inherit' }).status ?? 1;
