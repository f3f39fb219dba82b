import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { startStandalone } from '../../web/test/standalone.ts';
import { runCommand } from '../lib/command.ts';
import type { PackageName } from './names.ts';
import { createProject, exampleOf } from './project.ts';

const node = (version: string): { install: string; bin: string; args: string[] } => ({
  install: `node-linux-${process.arch}@${version}`,
  bin: `node-linux-${process.arch}/bin/node`,
  args: [],
});

/** Each from the npm registry. Their binaries come with their packages: no install script is needed, but for Deno's and Bun's link to them. */
const RUNTIMES = {
  'Node 20': node('20.20.2'),
  'Node 22': node('22.23.3'),
  'Node 24': node('24.21.0'),
  'Node 26': node('26.12.1'),
  Deno: { install: 'deno@2.9.6', bin: '.bin/deno', args: ['run', '-A'] },
  Bun: { install: 'bun@1.4.5', bin: '.bin/bun', args: [] },
};
const EXAMPLES: Partial<Record<PackageName, RegExp>> = {
  protocol: /^one two true$/m,
  client: /^complete w000001 w000002 w000003 w000004 w000005 true$/m,
};

/** Installs the tarballs into an empty project, and runs the READMEs' examples in each runtime. Prints a line for each, and the total. */
export async function tryPackages(packed: Record<PackageName, string>): Promise<void> {
  const totals = { passed: 0, failed: 0 };
  for (const [name, { install, bin, args }] of Object.entries(RUNTIMES)) {
    using project = createProject();
    await using server = await startStandalone();
    const wanted = [packed.protocol, packed.client, install];
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], { cwd: project.folder, stdio: 'inherit' });
    for (const [example, end] of Object.entries(EXAMPLES) as [PackageName, RegExp][]) {
      const file = project.write(`${example}.js`, exampleOf(example, 'js', server.url));
      const program = join(project.folder, 'node_modules', bin);
      const { code, output } = await runCommand(program, [...args, file], { cwd: project.folder });
      const passed = code === 0 && end.test(output);
      totals[passed ? 'passed' : 'failed']++;
      console.log(`${passed ? 'ok  ' : 'FAIL'} ${name.padEnd(8)} @runnel/${example}${passed ? '' : `\n${output.trimEnd()}`}`);
    }
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  if (totals.failed > 0) process.exitCode = 1;
}
