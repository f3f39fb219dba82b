// What the tests need from the system, beyond the dependencies. Installs it on Debian when run as root, else says in one line
// what to install:   node scripts/system.mjs redis-server chromium
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fetchCrdSchemas, hasCrdSchemas } from './crd-schemas.mjs';
import { fetchKubeSchemas, hasKubeSchemas } from './kube-schemas.mjs';
import { fetchPrometheus, findPrometheus, findPromtool } from './promtool.mjs';

const POSTGRES_ROOT = '/usr/lib/postgresql';

const onPath = (name) =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'].some((dir) => {
    try {
      accessSync(join(dir, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** What a Kubernetes node on this machine is made of (k8s/lib/cluster.ts). */
const NODE_PROGRAMS = ['containerd', 'runc', 'iptables', 'conntrack', 'socat', 'openssl', 'curl', 'ip', 'bc', 'gcc'];
const NODE_PACKAGES = 'containerd runc containernetworking-plugins iptables conntrack socat openssl curl iproute2 bc gcc libc6-dev';

/** Debian keeps the server's programs out of PATH, by version. */
const hasPostgres = () =>
  onPath('initdb') ||
  (existsSync(POSTGRES_ROOT) && readdirSync(POSTGRES_ROOT).some((version) => existsSync(join(POSTGRES_ROOT, version, 'bin/initdb'))));

/**
 * By name: how to see that it is there, and the Debian packages that bring it, or what fetches it without installing them. `otherwise` does too, where
 * it cannot be had.
 */
const NEEDS = {
  'redis-server': { present: () => onPath('redis-server'), packages: ['redis-server'] },
  // Chromium without the window around its pages: a page of a test costs a third (docs/decisions/0282).
  'chromium-headless-shell': {
    present: () => onPath('chromium-headless-shell'),
    packages: ['chromium-headless-shell'],
    otherwise: 'chromium',
  },
  chromium: { present: () => ['chromium', 'chromium-browser', 'google-chrome'].some(onPath), packages: ['chromium'] },
  nginx: { present: () => onPath('nginx'), packages: ['nginx-light'] },
  postgresql: { present: hasPostgres, packages: ['postgresql'] },
  java: { present: () => onPath('java'), packages: ['openjdk-17-jre-headless'] },
  openssl: { present: () => onPath('openssl'), packages: ['openssl'] },
  maven: { present: () => onPath('mvn'), packages: ['maven'] },
  'kubernetes-node': { present: () => NODE_PROGRAMS.every(onPath), packages: NODE_PACKAGES.split(' ') },
  'kube-schemas': { present: hasKubeSchemas, packages: [], fetch: fetchKubeSchemas },
  'crd-schemas': { present: hasCrdSchemas, packages: [], fetch: fetchCrdSchemas },
  promtool: { present: () => findPromtool() !== undefined, packages: [], fetch: fetchPrometheus },
  prometheus: { present: () => findPrometheus() !== undefined, packages: [], fetch: fetchPrometheus },
};

/**
 * @param {readonly string[]} names
 * @returns {string | undefined} undefined when everything is there, else one line that tells what to do
 */
export function ensureSystem(names) {
  const unknown = names.find((name) => !Object.hasOwn(NEEDS, name));
  if (unknown !== undefined) return `nobody knows how to install ${unknown}; known are ${Object.keys(NEEDS).join(', ')}`;
  const missing = () => names.filter((name) => !NEEDS[name].present());
  const fetched = missing().flatMap((name) => NEEDS[name].fetch?.() ?? []);
  if (fetched.length > 0) return fetched.join('; ');
  const before = missing();
  if (before.length === 0) return undefined;
  const instead = (name) => NEEDS[name].otherwise ?? name;
  if (!canInstall() && before.every((name) => NEEDS[instead(name)].present())) return undefined;
  const packages = before.flatMap((name) => NEEDS[name].packages).join(' ');
  if (!onPath('apt-get')) return `missing: ${before.join(', ')}; install them with your package manager`;
  if (process.getuid?.() !== 0) return `missing: ${before.join(', ')}; run: sudo apt-get install ${packages}`;
  console.error(`runnel: installing ${packages}`);
  const log = aptInstall(packages.split(' '));
  const after = missing();
  if (after.some((name) => instead(name) !== name)) return ensureSystem(names.map((name) => (after.includes(name) ? instead(name) : name)));
  return after.length === 0 ? undefined : `could not install ${after.join(', ')}: ${log.trim().split('\n').at(-1) ?? ''}`;
}

const canInstall = () => onPath('apt-get') && process.getuid?.() === 0;

/** Returns what apt said; whether it worked is seen from what is there afterwards. */
function aptInstall(packages) {
  const apt = (...args) =>
    spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
    });
  apt('update');
  const { stdout, stderr } = apt('install', '-y', '--no-install-recommends', ...packages);
  return `${stdout}\n${stderr}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const problem = ensureSystem(process.argv.slice(2));
  if (problem !== undefined) {
    console.error(`runnel: ${problem}`);
    process.exit(1);
  }
}
