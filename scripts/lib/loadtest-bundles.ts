import { build } from 'esbuild';
import { join } from 'node:path';
import { root } from './command.ts';

/** Scripts that need nothing beside the release that they load. */
export const CLUSTER_SCRIPTS = ['stream', 'mixed', 'turns', 'cancel', 'reconnect-storm', 'rollout', 'v1', 'upload', 'soak'] as const;

/** By its path in the chart: each script of the load tests in one file, for a ConfigMap holds no folders. */
export const loadtestBundles = async (): Promise<Record<string, string>> => {
  const bundles: Record<string, string> = {};
  for (const name of CLUSTER_SCRIPTS) {
    const { outputFiles } = await build({
      entryPoints: [join(root, 'loadtest', `${name}.ts`)],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      charset: 'utf8',
      external: ['k6', 'k6/*'],
      banner: { js: `// Written by \`npm run docs\` from loadtest/${name}.ts; do not edit.` },
      absWorkingDir: root,
    });
    bundles[`helm/runnel/loadtest/${name}.js`] = outputFiles[0]!.text;
  }
  return bundles;
};
