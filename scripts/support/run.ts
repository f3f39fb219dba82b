// `npm run support -- --namespace chat --release runnel [--out folder]`: what somebody needs who helps, without secrets and names.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { collect } from './collect.ts';

const { values } = parseArgs({
  options: { namespace: { type: 'string', default: 'default' }, release: { type: 'string', default: 'runnel' }, out: { type: 'string' } },
});
const out = values.out ?? `runnel-support-${new Date().toISOString().slice(0, 16).replaceAll(':', '')}`;
const kubectl = async (args: readonly string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)('kubectl', [...args], { timeout: 30_000, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
};
for (const [name, text] of await collect(kubectl, values)) {
  mkdirSync(dirname(join(out, name)), { recursive: true });
  writeFileSync(join(out, name), text, { mode: 0o600 });
}
process.stdout.write(
  `${out}: look through it before you hand it on. It has no texts of people, and no secrets that are known by their shape.\n`,
);
