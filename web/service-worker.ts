import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';

/** Needed by few, and large: kept when it is used. */
const WHEN_USED = /(?:^|\/)(?:katex|diagram)|\.(?:woff2?|ttf)$/i;

/** A name for a build by all it is made of. */
const nameOf = (parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 16);
};

/**
 * Names the build (`<meta name="release">`, `release.json`) and writes `sw.js`, which keeps its files. `sw.js` has no hash in its name: browsers
 * ask for it again at that address, and a new one is a new release.
 */
export const serviceWorker = (): Plugin => {
  let root = '';
  let outDir = '';
  let publicDir = '';
  let release = '';
  let assets: string[] = [];
  let fixed: string[] = [];
  return {
    name: 'runnel:service-worker',
    apply: 'build',
    configResolved(config) {
      ({ root, publicDir } = config);
      outDir = join(root, config.build.outDir);
    },
    transformIndexHtml: {
      order: 'post',
      async handler(html, { bundle = {} }) {
        // Names of files tell their content.
        assets = Object.keys(bundle)
          .filter((name) => name.startsWith('assets/') && !name.endsWith('.map'))
          .map((name) => `/${name}`)
          .toSorted();
        fixed = (await readdir(publicDir)).toSorted();
        const contents = await Promise.all(fixed.map((name) => readFile(join(publicDir, name))));
        release = nameOf([html, ...assets, ...fixed, ...contents]);
        return [{ tag: 'meta', attrs: { name: 'release', content: release }, injectTo: 'head' }];
      },
    },
    generateBundle: {
      order: 'post',
      handler() {
        this.emitFile({ type: 'asset', fileName: 'release.json', source: `${JSON.stringify({ release })}\n` });
      },
    },
    async writeBundle() {
      const shell = { release, assets: assets.filter((name) => !WHEN_USED.test(name)), fixed: fixed.map((name) => `/${name}`) };
      await build({
        configFile: false,
        root,
        publicDir: false,
        logLevel: 'warn',
        define: { __SHELL__: JSON.stringify(shell) },
        build: {
          outDir,
          emptyOutDir: false,
          lib: { entry: join(root, 'src/worker/sw.ts'), formats: ['iife'], name: 'runnel', fileName: () => 'sw.js' },
        },
      });
    },
  };
};
