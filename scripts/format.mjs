// `npm run format [-- paths]`: rewrites the sources in the project's format (.oxfmtrc.json).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { status } = spawnSync(join(root, 'node_modules/.bin/oxfmt'), process.argv.slice(2), { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
