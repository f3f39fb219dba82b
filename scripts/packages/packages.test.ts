import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as esbuild } from 'esbuild';
import ts from 'typescript';
import { build as vite } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runNode } from '../lib/command.ts';
import { startStandalone, type Standalone } from '../../web/test/standalone.ts';
import { buildPackages, distOf, packPackages } from './build.ts';
import { PACKAGES, type PackageName } from './names.ts';
import { createProject, exampleOf, unpack, type Project } from './project.ts';

/** Gzipped bytes of the client in a page, the protocol included. What passes it is a decision: say in the commit what it is for. */
const CLIENT_BUDGET = 17_300;
/** What the README's example prints at its end. */
const END = 'complete w000001 w000002 w000003 w000004 w000005 true';

let packed: Record<PackageName, string>;
let project: Project;
let server: Standalone;
beforeAll(async () => {
  await buildPackages();
  packed = packPackages();
  project = createProject();
  unpack(project, packed);
  server = await startStandalone();
}, 120_000);
afterAll(async () => {
  project[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

describe.each(PACKAGES)('the tarball of @runnel/%s', (name) => {
  test('has compiled modules, types, README and licence, and neither sources nor tests', () => {
    const files = execFileSync('tar', ['-tzf', packed[name]], { encoding: 'utf8' }).trim().split('\n');
    const others = files.filter((file) => !/^package\/([\w/-]+\.(js|d\.ts)|README\.md|LICENSE|package\.json)$/.test(file));
    expect(others).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['package/index.js', 'package/index.d.ts', 'package/README.md', 'package/LICENSE']));
    expect(files.filter((file) => /test|fake/.test(file))).toEqual([]);
  });

  test('exports files that are there, and wants what it imports', () => {
    const folder = join(project.folder, 'node_modules/@runnel', name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      exports: Record<string, Record<string, string>>;
      dependencies: Record<string, string>;
      peerDependencies?: Record<string, string>;
    };
    const targets = Object.values(manifest.exports).flatMap((entry) => Object.values(entry));
    expect(targets.filter((target) => !existsSync(join(folder, target)))).toEqual([]);
    const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.js') && file !== 'browser.js',
    );
    const imported = modules.flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/from '(@?[\w-]+(?:\/[\w-]+)?)/g)].map(([, specifier]) => specifier!),
    );
    const wanted = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    const packageOf = (specifier: string): string => (specifier.startsWith('@') ? specifier : specifier.split('/')[0]!);
    expect([...new Set(imported.map(packageOf))].filter((library) => !wanted.includes(library))).toEqual([]);
    expect(Object.values(manifest.dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});

test('the examples of the READMEs run from the tarballs', async () => {
  const protocol = await runNode([project.write('protocol.js', exampleOf('protocol', 'js', server.url))]);
  expect(protocol).toEqual({ code: 0, output: 'one two true\n' });
  const client = await runNode([project.write('client.js', exampleOf('client', 'js', server.url))]);
  expect(client.output.trim().split('\n').at(-1)).toBe(END);
  expect(client.code).toBe(0);
});

test('the types stand in a strict project that checks what it imports, with NodeNext and with Bundler', () => {
  const file = project.write('typed.ts', "import { createClient, type Answer } from '@runnel/client';\nexport const a: Answer = createClient({ url: '' }).conversation('c').answer('r');\n// @ts-expect-error a run has an id\ncreateClient({ url: '' }).conversation('c').answer(1);\n"); // prettier-ignore
  for (const [module, moduleResolution] of [
    [ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
    [ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
  ] as const) {
    const options = {
      module,
      moduleResolution,
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      target: ts.ScriptTarget.ES2022,
      types: [],
    };
    const program = ts.createProgram([file], options);
    const ours = program.getSourceFiles().filter(({ fileName }) => fileName === file || fileName.includes('/@runnel/'));
    expect(ours.length).toBeGreaterThan(10);
    const problems = ours.flatMap((source) => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]);
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  }
});

describe('a bundle of the example', () => {
  const check = async (bundle: string): Promise<void> => {
    const { code, output } = await runNode([bundle]);
    expect(output.trim().split('\n').at(-1)).toBe(END);
    expect(code).toBe(0);
    const text = readFileSync(bundle);
    expect(gzipSync(text, { level: 9 }).length).toBeLessThan(CLIENT_BUDGET);
    // No schema comes along: a page sends frames and checks none.
    expect(text.toString()).not.toMatch(/additionalProperties|TypeBox/i);
  };
  const entry = (): string => project.write('entry.js', exampleOf('client', 'js', server.url).replaceAll('first', crypto.randomUUID()));

  test('by esbuild runs and keeps to the budget', async () => {
    const outfile = join(project.folder, 'esbuild.mjs');
    await esbuild({ entryPoints: [entry()], outfile, bundle: true, minify: true, format: 'esm', logLevel: 'error' });
    await check(outfile);
  });

  test('by Vite runs and keeps to the budget', async () => {
    const outDir = join(project.folder, 'vite');
    const rolldownOptions = { input: entry(), output: { entryFileNames: 'vite.mjs' } };
    await vite({ root: project.folder, configFile: false, logLevel: 'error', build: { outDir, target: 'es2022', rolldownOptions } });
    await check(join(outDir, 'vite.mjs'));
  });

  test('the one file for pages without a bundler keeps to the budget, and imports nothing', () => {
    const text = readFileSync(join(distOf('client'), 'browser.js'));
    expect(gzipSync(text, { level: 9 }).length).toBeLessThan(CLIENT_BUDGET);
    expect(text.toString()).not.toMatch(/\bimport\b\s*[{"'*]/);
  });
});
