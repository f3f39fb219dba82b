// A service as one program instead of hundreds of files: it starts with a third of the CPU, and Node's reader of TypeScript is never
// loaded (docs/decisions/0277). In the Dockerfile: node scripts/images/bundle.mjs <service> /out
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { LOOKS_AROUND, SERVICES } from './services.mjs';

const checkout = join(dirname(fileURLToPath(import.meta.url)), '../..');
const LUA = 'packages/coordination/src/redis/lua';
/** Packages of before ES modules ask for each other by `require`. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";
/** What a small process is started with: its young objects take no more than this (MiB, three times), whatever the machine has. */
export const SMALL = ['--max-semi-space-size=1', '--optimize-for-size'];
/** One heap of the C library instead of one a thread: 10 MiB less in an operator that works. */
export const SMALL_ENV = { MALLOC_ARENA_MAX: '1' };
/** Where a service's program lies within its image, below /app. */
export const programOf = (service, entry = 'main') => `services/${service}/dist/${entry}.mjs`;

const packagesOf = (inputs) => [...new Set(inputs.flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []))];

/** The terms of everything of others that a bundle holds: they want to be passed on with it. */
const licencesOf = (inputs) =>
  packagesOf(inputs)
    .toSorted()
    .map((folder) => {
      const files = readdirSync(join(checkout, folder)).filter((name) => /^(licen[cs]e|notice)/i.test(name));
      const { name, version, license } = JSON.parse(readFileSync(join(checkout, folder, 'package.json'), 'utf8'));
      const texts = files.map((file) => readFileSync(join(checkout, folder, file), 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    });

/** What finds its neighbours by the place of its own file, or by a name that is made while it runs. */
const LOOKS =
  /\b__dirname\b|\b__filename\b|\bimport\.meta\.(?:url|dirname)\b|\brequire\.resolve\(|\b(?:import|require)\((?!\s*(?:\/\*.*?\*\/\s*)*['"`\\])/;
const COMMENTS = /\/\*(?!\s*(?:@vite|webpack))[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** Fails where a package's file would look for its neighbours and find the bundle's. */
const checkNeighbours = (inputs) => {
  const lost = inputs
    .filter((path) => path.includes('node_modules/') && !Object.keys(LOOKS_AROUND).some((known) => path.endsWith(`/${known}`)))
    .filter((path) => LOOKS.test(readFileSync(join(checkout, path), 'utf8').replace(COMMENTS, '')));
  if (lost.length > 0) throw new Error(`these files look for others around them (scripts/images/services.mjs): ${lost.join(', ')}`);
};

/** Where `require(name)` in `from` finds the package, as Node looks for it; undefined: not installed on this kind of machine. */
const folderOf = (name, from) => {
  for (let above = from; above.startsWith(checkout); above = dirname(above)) {
    const folder = join(above, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  return undefined;
};

/** The packages with all that they need, at the places where they lie in the checkout. Types and source maps stay behind: nothing reads them there. */
const copyPackages = (names, to) => {
  const done = new Set();
  const waiting = names.map((name) => [name, checkout, true]);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [name, from, needed] = next;
    const folder = folderOf(name, from);
    if (folder === undefined && needed) throw new Error(`${name} is not installed`);
    if (folder === undefined || done.has(folder)) continue;
    done.add(folder);
    cpSync(folder, join(to, relative(checkout, folder)), {
      recursive: true,
      dereference: true,
      filter: (path) => !/\.(map|d\.[cm]?ts)$/.test(path) && !(path !== folder && path.endsWith('/node_modules')),
    });
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const wanted of Object.keys({ ...dependencies, ...optionalDependencies }))
      waiting.push([wanted, folder, !Object.hasOwn(optionalDependencies, wanted)]);
  }
};

/** Writes what the image has of `service` into `folder`, which becomes its /app. The same sources give the same bytes. */
export const bundleService = async (service, folder) => {
  const { entries, packages, calls, small } = SERVICES[service];
  const dist = join(folder, dirname(programOf(service)));
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(dist, { recursive: true });
  const { metafile } = await build({
    entryPoints: Object.entries(entries).map(([out, source]) => ({ out, in: join(checkout, 'services', service, source) })),
    absWorkingDir: checkout,
    outdir: dist,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: Object.keys(entries).length > 1,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    metafile: true,
    external: packages,
    // Names and, where a few MiB are no matter, lines stay: a stack trace is read by people.
    minifySyntax: true,
    minifyWhitespace: small,
    legalComments: 'none',
    banner: { js: REQUIRE },
    define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
    logLevel: 'warning',
  });
  const inputs = Object.keys(metafile.inputs);
  checkNeighbours(inputs);
  if (inputs.some((path) => path.startsWith(dirname(LUA)))) cpSync(join(checkout, LUA), join(dist, 'lua'), { recursive: true });
  copyPackages(packages, folder);
  for (const [source, entry] of Object.entries(calls)) {
    const file = join(folder, 'services', service, source);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `import '${relative(dirname(file), join(folder, programOf(service, entry)))}';\n`);
  }
  writeFileSync(join(folder, 'LICENCES.txt'), `${licencesOf(inputs).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
  // Whose version it says it is.
  writeFileSync(join(folder, 'package.json'), readFileSync(join(checkout, 'package.json')));
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [service, folder] = process.argv.slice(2);
  if (!Object.hasOwn(SERVICES, service ?? '') || !folder)
    throw new Error(`node scripts/images/bundle.mjs <${Object.keys(SERVICES).join('|')}> <folder>`);
  await bundleService(service, folder);
}
