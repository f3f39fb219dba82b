// A service as one file of JavaScript: for an image whose process should be small. Node's reader of TypeScript alone takes 40 MiB of one.
// In the Dockerfile: node scripts/images/bundle.mjs operator /out
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const checkout = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Packages of before ES modules ask for each other by `require`. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";
/** What a small process is started with: its young objects take no more than this (MiB, three times), whatever the machine has. */
export const SMALL = ['--max-semi-space-size=1', '--optimize-for-size'];
/** One heap of the C library instead of one a thread: 10 MiB less in an operator that works. */
export const SMALL_ENV = ['MALLOC_ARENA_MAX=1'];
export const BUNDLE = 'main.mjs';

/** The terms of everything of others that a bundle holds: they want to be passed on with it. */
const licencesOf = (inputs) => {
  const packages = new Set(inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  return [...packages].toSorted().map((folder) => {
    const files = readdirSync(join(checkout, folder)).filter((name) => /^(licen[cs]e|notice)/i.test(name));
    const { name, version, license } = JSON.parse(readFileSync(join(checkout, folder, 'package.json'), 'utf8'));
    const texts = files.map((file) => readFileSync(join(checkout, folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
};

/** Bundles `services/<service>/src/main.ts` with all it imports into `folder`, with what belongs beside it. The same sources give the same bytes. */
export const bundleService = async (service, folder) => {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: [join(checkout, 'services', service, 'src/main.ts')],
    absWorkingDir: checkout,
    outfile: join(folder, BUNDLE),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    metafile: true,
    // Names stay: a stack trace is read by people.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: REQUIRE },
    logLevel: 'warning',
  });
  writeFileSync(join(folder, 'LICENCES.txt'), `${licencesOf(Object.keys(metafile.inputs)).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
  // Whose version it says it is.
  writeFileSync(join(folder, 'package.json'), readFileSync(join(checkout, 'package.json')));
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [service, folder] = process.argv.slice(2);
  if (!service || !folder) throw new Error('node scripts/images/bundle.mjs <service> <folder>');
  await bundleService(service, folder);
}
