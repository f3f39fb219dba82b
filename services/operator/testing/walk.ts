import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubeProgram, type KubeServer } from '@runnel/kube/testing';

const DOCUMENT = join(import.meta.dirname, '../../../docs/operator.md');

/** One command of the walk, and what the document says that it prints. */
export interface Step {
  command: string;
  /** Lines; `…` stands for anything. */
  prints: string[];
}

/** The walk of docs/operator.md: each `sh` block, with the `text` block that follows it. Pure but for reading it. */
export const stepsOfWalk = async (): Promise<Step[]> => {
  const [, walk = ''] = /^## A walk\n([^]*?)^## /m.exec(await readFile(DOCUMENT, 'utf8')) ?? [];
  const steps: Step[] = [];
  for (const [, language, body = ''] of walk.matchAll(/^```(sh|text)\n([^]*?)^```/gm)) {
    if (language === 'sh') steps.push({ command: body, prints: [] });
    else steps.at(-1)!.prints.push(...body.trimEnd().split('\n'));
  }
  return steps;
};

/** A line of the document as a pattern: columns may be wider, `…` is anything. */
export const patternOf = (line: string): RegExp =>
  new RegExp(
    line
      .split('…')
      .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replace(/\s+/g, String.raw`\s+`))
      .join('.*'),
  );

export interface Shell {
  /** What a person sees, both streams. @throws Error with it, where a command fails */
  run(command: string): Promise<string>;
  close(): Promise<void>;
}

/** A shell in which `kubectl` means this server, and `$RUNNEL` a release. */
export const shellAt = async ({ url, admin }: Pick<KubeServer, 'url' | 'admin'>, runnel: string): Promise<Shell> => {
  const dir = await mkdtemp(join(tmpdir(), 'runnel-walk-'));
  await writeFile(join(dir, 'ca.crt'), admin.ca);
  const at = `--server ${url} --token admin-token --certificate-authority ${join(dir, 'ca.crt')} -n chat`;
  await writeFile(join(dir, 'kubectl'), `#!/bin/sh\nexec ${kubeProgram('kubectl')} "$@" ${at}\n`);
  await chmod(join(dir, 'kubectl'), 0o755);
  const env = { PATH: `${dir}:${process.env['PATH']}`, HOME: dir, RUNNEL: runnel };
  return {
    run: (command) =>
      new Promise((resolve, reject) => {
        const options = { env, cwd: dir, timeout: 90_000 };
        execFile('bash', ['-euo', 'pipefail', '-c', `{ ${command}\n} 2>&1`], options, (error, out) =>
          error ? reject(new Error(`${command}\n${out}`, { cause: error })) : resolve(out),
        );
      }),
    close: () => rm(dir, { recursive: true, force: true }),
  };
};
