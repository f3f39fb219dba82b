// Root file systems from what the machine has: Debian's packages and the locked Node. No base image is pulled.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

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
