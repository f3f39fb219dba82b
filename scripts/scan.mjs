// `npm run scan`: what is installed against the public list of known holes (OSV). It asks the internet, so no test and no build calls it;
// a workflow does, each week and for each change of a lock file. `osv-scanner.toml` says which holes may stay, why, and until when.
//   npm run scan                                   the lock file
//   npm run scan -- --image runnel/gateway:0.1.0   an image, with what its base brings (docker must know it)
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { goTool } from './go-tools.mjs';

const { values } = parseArgs({ options: { image: { type: 'string' } } });
const what = values.image === undefined ? ['source', '--lockfile', 'package-lock.json'] : ['image', values.image];
const { status, error } = spawnSync(goTool('osv-scanner'), ['scan', ...what, '--config', 'osv-scanner.toml'], { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;
