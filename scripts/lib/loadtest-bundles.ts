import { build, type BuildOptions } from 'esbuild';
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { root } from './command.ts';

/** Scripts that need nothing beside the release that they load. */
export const CLUSTER_SCRIPTS = ['stream', 'mixed', 'turns', 'cancel', 'reconnect-storm', 'rollout', 'v1', 'upload', 'soak'] as const;

const LOADTEST = join(root, 'loadtest');
/** What several scripts import stands beside them in one file: a ConfigMap holds no folders. */
const SHARED = 'shared';

const bundle = async (name: string, from: string, options: BuildOptions): Promise<[string, string]> => {
  const { outputFiles } = await build({
    ...options,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    external: ['k6', 'k6/*'],
    banner: { js: `// Written by \`npm run docs\` from ${from}; do not edit.` },
    absWorkingDir: root,
  });
  return [`helm/runnel/loadtest/${name}.js`, outputFiles![0]!.text];
};

/** By their paths in the chart: each script of the load tests, and what they share. */
export const loadtestBundles = async (): Promise<Record<string, string>> => {
  const lib = globSync('lib/*.ts', { cwd: LOADTEST }).map((file) => basename(file));
  const contents = lib.map((file) => `export * from './lib/${file}';`).join('\n');
  const plugins: BuildOptions['plugins'] = [
    { name: SHARED, setup: ({ onResolve }) => onResolve({ filter: /^\.\/lib\// }, () => ({ path: `./${SHARED}.js`, external: true })) },
  ];
  return Object.fromEntries([
    await bundle(SHARED, 'loadtest/lib', { stdin: { contents, resolveDir: LOADTEST, loader: 'ts' } }),
    ...(await Promise.all(
      CLUSTER_SCRIPTS.map((name) => bundle(name, `loadtest/${name}.ts`, { entryPoints: [join(LOADTEST, `${name}.ts`)], plugins })),
    )),
  ]);
};
