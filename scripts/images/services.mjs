/**
 * What each service's image runs. `entries`: programs by the name of their file in `services/<service>/dist`, sources relative to
 * `services/<service>`. `packages`: of others, kept as packages, since they read files that lie beside them, ask for
 * others by names made while they run, or are libraries of the machine.
 * `calls`: sources that a command outside names, whatever an image is made of (the chart's migrations, `kubectl exec` in docs/operations.md),
 * and the program that answers there. `small`: as few bytes as can be, for a process that mostly waits.
 */
export const SERVICES = {
  gateway: {
    entries: { main: 'src/main.ts', 'text-worker': 'src/contents/text-worker.ts' },
    packages: ['@fastify/swagger-ui', 'file-type', 'sharp'],
    calls: {},
    small: false,
  },
  ai: { entries: { main: 'src/main.ts' }, packages: ['file-type'], calls: {}, small: false },
  audit: {
    entries: { main: 'src/main.ts', cli: 'src/cli/main.ts' },
    packages: [],
    calls: { 'src/cli/main.ts': 'cli' },
    small: false,
  },
  operator: { entries: { main: 'src/main.ts' }, packages: [], calls: {}, small: true },
};

/**
 * Files of packages that name the folder they lie in, or import what no bundler can see, and why nothing is missed once they lie in a bundle.
 * Another one fails the build: it belongs here, or into `packages` of its service.
 */
export const LOOKS_AROUND = {
  'ioredis/built/Command.js': 'shortens a stack trace, with a setting that is off',
  'undici/index.js': 'adds to a stack trace',
  'thread-stream/index.js': 'a log in a thread of its own, which none of ours has',
  'pino/lib/transport.js': 'the same',
  '@fastify/swagger/lib/util/read-package-json.js': 'a title for a document that has none',
  'rate-limiter-flexible/lib/RateLimiterDrizzle.js': 'limits in a database, which ours are not',
  'rate-limiter-flexible/lib/RateLimiterDrizzleNonAtomic.js': 'the same',
  'typeorm/platform/PlatformTools.js': 'the driver of a database, which is given',
  'typeorm/connection/ConnectionOptionsReader.js': 'options in a file, which are given',
  'typeorm/util/ImportUtils.js': 'entities by the path of a file; ours are given as values',
  'fdir/dist/index.cjs': 'asks whether a package is there, and does without',
  'fflate/esm/index.mjs': 'its calls in threads, of which none is used',
  'unpdf/dist/pdfjs.mjs': 'makes its thread from the text of a module; pictures, of which none is drawn',
};
