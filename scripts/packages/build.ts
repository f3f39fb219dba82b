// `npm run packages`: what is published to npm. In the workspace the sources are imported; here they become ESM with types, each package in
// its `dist` with a manifest of its own, and as a tarball in `dist/packages`.
//   npm run packages -- --try    installs the tarballs into an empty project and runs the READMEs' examples in other runtimes
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import ts from 'typescript';
import { root } from '../lib/command.ts';
import { PACKAGES, type PackageName } from './names.ts';

/** What is imported by itself, beside the index. */
const PARTS: Record<PackageName, readonly string[]> = { protocol: ['http'], client: [], vue: [] };

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
  sideEffects: boolean;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

const folderOf = (name: PackageName): string => join(root, 'packages', name);
export const distOf = (name: PackageName): string => join(folderOf(name), 'dist');
const tarballs = join(root, 'dist/packages');
/** One file for a page without a bundler, protocol included. */
const BROWSER = 'browser.js';

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: ['node'],
  declaration: true,
  rewriteRelativeImportExtensions: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  verbatimModuleSyntax: true,
};

/** Compiles what its entries reach: no test is reached. Other packages of ours are taken from their `dist`. */
function compile(name: PackageName): void {
  const paths = Object.fromEntries(
    PACKAGES.flatMap((other) => [
      [`@runnel/${other}`, [join(distOf(other), 'index.d.ts')]],
      ...PARTS[other].map((part) => [`@runnel/${other}/${part}`, [join(distOf(other), part, 'index.d.ts')]]),
    ]),
  ) as Record<string, string[]>;
  const options = { ...OPTIONS, paths, rootDir: join(folderOf(name), 'src'), outDir: distOf(name) };
  const entries = ['index.ts', ...PARTS[name].map((part) => `${part}/index.ts`)];
  const program = ts.createProgram(
    entries.map((entry) => join(folderOf(name), 'src', entry)),
    options,
  );
  const problems = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  const host = { getCurrentDirectory: () => root, getCanonicalFileName: (file: string) => file, getNewLine: () => '\n' };
  if (problems.length > 0) throw new Error(ts.formatDiagnostics(problems, host));
}

const readManifest = (name: PackageName): Manifest => JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8')) as Manifest;

/** The workspace's manifest with exports to what was built. Our own packages are wanted in the very version they were built with. */
function manifestOf(name: PackageName): object {
  const { version, description, license, sideEffects, dependencies = {}, peerDependencies } = readManifest(name);
  const pinned = Object.entries(dependencies).map(([other, wanted]) => [other, other.startsWith('@runnel/') ? version : wanted]);
  const entry = (file: string): object => ({ types: './index.d.ts', default: `./${file}` });
  const parts = PARTS[name].map((part) => [`./${part}`, { types: `./${part}/index.d.ts`, default: `./${part}/index.js` }]);
  return {
    ...{ name: `@runnel/${name}`, version, description, license, type: 'module', sideEffects },
    engines: { node: '>=20' },
    exports: {
      '.': entry('index.js'),
      ...(name === 'client' && { './browser': entry(BROWSER) }),
      ...(Object.fromEntries(parts) as object),
    },
    files: ['**/*.js', '**/*.d.ts'],
    dependencies: Object.fromEntries(pinned) as object,
    ...(peerDependencies && { peerDependencies }),
    // npm compares it with the repository that a build's provenance names.
    ...(process.env['GITHUB_REPOSITORY'] && { repository: `github:${process.env['GITHUB_REPOSITORY']}` }),
  };
}

/** Writes each package's `dist`. @throws Error with the compiler's words */
export async function buildPackages(): Promise<void> {
  for (const name of PACKAGES) {
    rmSync(distOf(name), { recursive: true, force: true });
    compile(name);
    writeFileSync(join(distOf(name), 'package.json'), `${JSON.stringify(manifestOf(name), null, 2)}\n`);
    cpSync(join(folderOf(name), 'README.md'), join(distOf(name), 'README.md'));
    cpSync(join(root, 'LICENSE'), join(distOf(name), 'LICENSE'));
  }
  await bundle({
    entryPoints: [join(distOf('client'), 'index.js')],
    alias: { '@runnel/protocol': join(distOf('protocol'), 'index.js') },
    outfile: join(distOf('client'), BROWSER),
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', logLevel: 'warning' },
  });
}

/** The tarballs that `npm publish` sends, by package. Needs `buildPackages` first. */
export function packPackages(): Record<PackageName, string> {
  rmSync(tarballs, { recursive: true, force: true });
  mkdirSync(tarballs, { recursive: true });
  const npm = process.env['npm_execpath']?.endsWith('.js') ? [process.execPath, process.env['npm_execpath']] : ['npm'];
  const pack = (name: PackageName): string => {
    const args = [...npm.slice(1), 'pack', '--silent', '--pack-destination', tarballs];
    return join(tarballs, execFileSync(npm[0]!, args, { cwd: distOf(name), encoding: 'utf8' }).trim());
  };
  return Object.fromEntries(PACKAGES.map((name) => [name, pack(name)])) as Record<PackageName, string>;
}

if (import.meta.main) {
  await buildPackages();
  const packed = packPackages();
  for (const path of Object.values(packed)) console.log(path);
  if (process.argv.includes('--try')) await (await import('./try.ts')).tryPackages(packed);
}
