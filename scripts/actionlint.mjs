// Checks .github/workflows with actionlint. Without shellcheck and pyflakes, so that every machine says the same.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { goTool } from './go-tools.mjs';

const workflows = globSync('.github/workflows/*.yml');
const { status, error } = spawnSync(goTool('actionlint'), ['-shellcheck=', '-pyflakes=', ...workflows], { stdio: 'inherit' });
if (error) throw error;
process.exitCode = status ?? 1;
