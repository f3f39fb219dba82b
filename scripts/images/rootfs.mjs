// Root file systems from what the machine has: Debian's packages, the locked Node, the checkout. No base image is pulled.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync, chmodSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { isInImage } from './sources.mjs';

const run = (command, args, options = {}) =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8', ...options });

const USERS = 'root:x:0:0::/:/\nrunnel:x:65532:65532::/tmp:/\n';

function base(root) {
  rmSync(root, { recursive: true, force: true });
  for (const folder of ['etc/ssl/certs', 'tmp']) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
  writeFileSync(join(root, 'etc/passwd'), USERS);
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nrunnel:x:65532:\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n');
}

/** Copies the shared libraries of a program, and the loader, as `ldd` names them. */
function copyLibraries(root, program) {
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: [join(root, 'usr/lib/x86_64-linux-gnu'), join(root, 'usr/lib/aarch64-linux-gnu')].join(':'),
  };
  for (const line of run('ldd', [program], { env }).split('\n')) {
    if (line.includes('not found')) throw new Error(`${program} needs a library: ${line.trim()}`);
    const library = /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1];
    if (!library || library.startsWith(root) || existsSync(join(root, library))) continue;
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
  }
}

/** The locked Node, its libraries and the certificate store: the base of every service. */
export function nodeRoot(root, nodeBinary) {
  base(root);
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  cpSync(realpathSync(nodeBinary), join(root, 'usr/bin/node'));
  copyLibraries(root, join(root, 'usr/bin/node'));
  cpSync('/etc/ssl/certs/ca-certificates.crt', join(root, 'etc/ssl/certs/ca-certificates.crt'), { dereference: true });
}

/** apt knows where packages are only after an update; a machine that never made one is told to. */
function download(packages, folder) {
  try {
    run('apt-get', ['-q', 'download', ...packages], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch {
    run('apt-get', ['-q', 'update']);
    run('apt-get', ['-q', 'download', ...packages], { cwd: folder });
  }
}

/** Debian packages unpacked (not installed) with the libraries of `programs`, and of those that are found in what was unpacked. */
export function debianRoot(root, packages, programs, find = () => []) {
  base(root);
  const folder = join(root, 'debs');
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  download(packages, folder);
  for (const file of readdirSync(folder)) run('dpkg-deb', ['-x', join(folder, file), root]);
  rmSync(folder, { recursive: true });
  for (const waste of ['usr/share/doc', 'usr/share/man', 'usr/share/lintian', 'usr/share/locale', 'lib/systemd', 'etc/init.d']) {
    rmSync(join(root, waste), { recursive: true, force: true });
  }
  for (const program of [...programs, ...find()]) copyLibraries(root, join(root, program));
}

/** The sources a service imports, with its production dependencies as the lock file pins them. */
export function serviceRoot(root, checkout, service) {
  rmSync(root, { recursive: true, force: true });
  const app = join(root, 'app');
  mkdirSync(app, { recursive: true });
  // npm wants every workspace's manifest to honour the lock; sources come only for what is used.
  for (const file of run('git', [
    '-C',
    checkout,
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '*package.json',
    'package-lock.json',
  ])
    .split('\0')
    .filter(Boolean)) {
    cpSync(join(checkout, file), join(app, file));
  }
  run(
    'npm',
    [
      'ci',
      '--omit=dev',
      // The library that makes previews is an optional dependency for each kind of machine.
      ...(service === 'gateway' ? [] : ['--omit=optional']),
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--silent',
      '--workspace',
      `services/${service}`,
    ],
    { cwd: app },
  );
  const used = workspacesOf(checkout, `services/${service}`);
  for (const folder of ['packages', 'services', 'web', 'e2e', 'bench']) rmSync(join(app, folder), { recursive: true, force: true });
  for (const folder of used) {
    cpSync(join(checkout, folder), join(app, folder), {
      recursive: true,
      filter: (source) => isInImage(relative(checkout, source)),
    });
  }
  rmSync(join(app, 'package-lock.json'));
  prune(join(app, 'node_modules'));
}

/** Types and source maps are a fifth of an image and nothing reads them there. */
function prune(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /\.(map|d\.[cm]?ts)$/.test(entry.name)) rmSync(join(entry.parentPath, entry.name));
  }
}

/** A workspace folder and all of ours that it depends on. */
function workspacesOf(checkout, folder, seen = new Set()) {
  if (seen.has(folder)) return seen;
  seen.add(folder);
  const { dependencies = {} } = JSON.parse(readFileSync(join(checkout, folder, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies).filter((name) => name.startsWith('@runnel/'))) {
    const short = name.slice('@runnel/'.length);
    const found = ['packages', 'services'].map((kind) => `${kind}/${short}`).find((path) => existsSync(join(checkout, path)));
    if (found) workspacesOf(checkout, found, seen);
  }
  return seen;
}
