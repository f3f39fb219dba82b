import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const COMPRESSIBLE = /\.(?:js|css|html|svg|json|txt|webmanifest)$/;
/** Smaller files fit one packet anyway. */
const MINIMUM_BYTES = 1_000;

const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);

/** Writes `.gz` and `.br` next to every text file of the build, so that a server only ever sends bytes it finds on disk. */
export const precompress = (): Plugin => {
  let directory = '';
  return {
    name: 'runnel:precompress',
    apply: 'build',
    configResolved(config) {
      directory = join(config.root, config.build.outDir);
    },
    async closeBundle() {
      const names = await readdir(directory, { recursive: true });
      for (const name of names.filter((file) => COMPRESSIBLE.test(file))) {
        const path = join(directory, name);
        const bytes = await readFile(path);
        if (bytes.length < MINIMUM_BYTES) continue;
        await writeFile(`${path}.gz`, await toGzip(bytes, { level: 9 }));
        await writeFile(`${path}.br`, await toBrotli(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
      }
    },
  };
};
