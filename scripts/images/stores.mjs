// The stores that the chart's development mode runs on, from Debian's packages and Maven Central, for clusters without a registry.
// They take the variables of the official images that the chart names, and run as the same users.
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kafkaClassPath } from '../../packages/events/src/testing/kafka-jars.ts';
import { debianRoot } from './rootfs.mjs';

const STORES = join(import.meta.dirname, 'stores');

/** Debian's dash brings /bin/sh; this adds the entrypoint and the user that the chart runs the official image as. */
function addEntrypoint(root, name, uid) {
  cpSync(join(STORES, `${name}.sh`), join(root, 'entrypoint.sh'));
  chmodSync(join(root, 'entrypoint.sh'), 0o755);
  appendFileSync(join(root, 'etc/passwd'), `${name}:x:${uid}:${uid}::/tmp:/bin/sh\n`);
}

export function redisRoot(root) {
  debianRoot(root, ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'], ['usr/bin/redis-check-rdb', 'usr/bin/redis-cli']);
}

export function postgresRoot(root) {
  const bin = 'usr/lib/postgresql/15/bin';
  debianRoot(root, ['dash', 'postgresql-15'], ['bin/dash', `${bin}/postgres`, `${bin}/initdb`]);
  // Compiling queries needs LLVM, which is larger than everything else here.
  for (const waste of ['bitcode', 'llvmjit.so']) rmSync(join(root, 'usr/lib/postgresql/15/lib', waste), { recursive: true, force: true });
  addEntrypoint(root, 'postgres', 70);
}

export async function kafkaRoot(root) {
  const classPath = await kafkaClassPath();
  const java = 'usr/lib/jvm';
  // The rest of Java's own libraries need these and each other.
  const programs = ['bin/java', 'lib/libjli.so', 'lib/server/libjvm.so'];
  debianRoot(root, ['dash', 'openjdk-17-jre-headless'], ['bin/dash'], () => {
    const home = readdirSync(join(root, java)).find((name) => existsSync(join(root, java, name, 'bin/java')));
    symlinkSync(home, join(root, java, 'java'));
    return programs.map((name) => join(java, home, name));
  });
  for (const jar of classPath.split(':')) cpSync(jar, join(root, 'opt/kafka/libs', jar.split('/').at(-1)));
  for (const folder of ['etc/kafka/docker', 'mnt/shared/config', 'opt/kafka/config']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'etc/kafka/docker/server.properties'), '');
  addEntrypoint(root, 'kafka', 1000);
}
