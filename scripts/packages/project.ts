import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../lib/command.ts';
import type { PackageName } from './names.ts';

/** Where the READMEs' examples look for a server; a test gives its own. */
const README_URL = 'http://127.0.0.1:8080';

/** The first block of a language in a package's README, as it stands there but for the server's address. */
export function exampleOf(name: PackageName, language: 'js' | 'html', url: string): string {
  const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8');
  const block = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`packages/${name}/README.md has no example in ${language}`);
  return block.replaceAll(README_URL, url);
}

export interface Project extends Disposable {
  folder: string;
  write(file: string, text: string): string;
}

export function createProject(): Project {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-project-'));
  const write = (file: string, text: string): string => {
    writeFileSync(join(folder, file), text);
    return join(folder, file);
  };
  write('package.json', '{ "type": "module" }');
  return { folder, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What `npm install <tarballs>` does, without a registry: other people's packages come from this checkout. */
export function unpack(project: Project, packed: Record<PackageName, string>, others: readonly string[] = ['typebox', 'vue']): void {
  for (const [name, tarball] of Object.entries(packed)) {
    const target = join(project.folder, 'node_modules/@runnel', name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', tarball, '-C', target, '--strip-components=1']);
  }
  for (const other of others) symlinkSync(join(root, 'node_modules', other), join(project.folder, 'node_modules', other));
}
