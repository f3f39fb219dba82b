// `npm run images [-- gateway ai …]`: container images as docker-archive tars in dist/images, built where no base image can be
// pulled. The stores (redis, postgres, kafka) are built when they are named. With an engine and a registry use the Dockerfile: same layout, same user, both architectures.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWeb } from '../build-web.mjs';
import { makeImage, makeLayer } from './archive.mjs';
import { SMALL, SMALL_ENV, bundleService, programOf } from './bundle.mjs';
import { debianRoot, nodeRoot } from './rootfs.mjs';
import { SERVICES } from './services.mjs';
import { kafkaRoot, postgresRoot, redisRoot } from './stores.mjs';

const checkout = join(dirname(fileURLToPath(import.meta.url)), '../..');
const out = join(checkout, 'dist/images');
const work = join(checkout, 'dist/rootfs');
const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
/** What runnel_build_info shows; a checkout without its history has none. */
const commit = () => {
  try {
    return execFileSync('git', ['-C', checkout, 'rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
};
const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch];
const USER = '65532:65532';
const SBOM = '/app/sbom.cdx.json';

const layers = new Map();
/** A layer made once a run, however many images stand on it. */
const layer = (name, fill) => {
  if (!layers.has(name)) {
    const root = join(work, name);
    layers.set(
      name,
      Promise.resolve(fill(root)).then(() => makeLayer(root, join(work, `${name}.tar`))),
    );
  }
  return layers.get(name);
};

const labels = (title) => ({
  'org.opencontainers.image.title': title,
  'org.opencontainers.image.version': version,
  'org.opencontainers.image.licenses': 'Apache-2.0',
  'dev.runnel.sbom': SBOM,
});

/** What is in the image, from the lock file: every package with version and hash, at the place the label names. */
const writeSbom = (root, workspace) => {
  const sbom = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--workspace', workspace], {
    cwd: checkout,
    encoding: 'utf8',
    maxBuffer: 64e6,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // Serial number and time differ at each call; without them the same sources give the same image.
  const { serialNumber: _serial, metadata, ...rest } = JSON.parse(sbom);
  const { timestamp: _time, ...kept } = metadata;
  mkdirSync(join(root, 'app'), { recursive: true });
  writeFileSync(join(root, SBOM), JSON.stringify({ ...rest, metadata: kept }));
};

const onNode = async (name, app, command, env = []) => {
  const base = await layer('node', (root) => nodeRoot(root, join(checkout, 'node_modules/.bin/node')));
  return {
    layers: [base, app],
    config: {
      Entrypoint: ['/usr/bin/node', ...command],
      User: USER,
      WorkingDir: '/app',
      Env: [
        'PATH=/usr/bin',
        'NODE_ENV=production',
        'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt',
        `RUNNEL_COMMIT=${commit()}`,
        ...env,
      ],
      Labels: labels(`runnel-${name}`),
    },
  };
};

/** A service as one program (bundle.mjs), beside the few packages that want to stay packages. */
const service = (name) => async () => {
  const app = await layer(name, async (root) => {
    rmSync(root, { recursive: true, force: true });
    await bundleService(name, join(root, 'app'));
    writeSbom(root, `services/${name}`);
  });
  const [flags, more] = SERVICES[name].small ? [SMALL, SMALL_ENV] : [[], {}];
  const env = Object.entries(more).map(([key, value]) => `${key}=${value}`);
  return onNode(name, app, ['--disable-warning=TimeoutNegativeWarning', ...flags, `/app/${programOf(name)}`], env);
};

const web = async () => {
  const dist = join(checkout, 'web/dist');
  buildWeb();
  const base = await layer('nginx', (root) => debianRoot(root, ['nginx', 'nginx-common'], ['usr/sbin/nginx']));
  const page = await layer('web', (root) => {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(root, 'etc/nginx'), { recursive: true });
    cpSync(dist, join(root, 'usr/share/runnel'), { recursive: true });
    cpSync(join(checkout, 'nginx-ingress/web.conf'), join(root, 'etc/nginx/nginx.conf'));
    writeSbom(root, 'web');
  });
  return {
    layers: [base, page],
    config: {
      Entrypoint: ['/usr/sbin/nginx', '-g', 'daemon off;'],
      User: USER,
      WorkingDir: '/',
      Env: ['PATH=/usr/sbin:/usr/bin'],
      ExposedPorts: { '8080/tcp': {} },
      Labels: labels('runnel-web'),
    },
  };
};

/** For clusters without a registry: what the chart's development stores run on. */
const store = (name, fill, entrypoint, path) => async () => ({
  layers: [await layer(name, fill)],
  config: { Entrypoint: [entrypoint], User: USER, WorkingDir: '/tmp', Env: [`PATH=${path}:/usr/bin:/bin`] },
});

const IMAGES = { ...Object.fromEntries(Object.keys(SERVICES).map((name) => [name, service(name)])), web };
const STORES = {
  redis: store('redis', redisRoot, '/usr/bin/redis-server', '/usr/bin'),
  postgres: store('postgres', postgresRoot, '/entrypoint.sh', '/usr/lib/postgresql/15/bin'),
  kafka: store('kafka', kafkaRoot, '/entrypoint.sh', '/usr/lib/jvm/java/bin'),
};

const wanted = process.argv.slice(2);
for (const name of wanted.length ? wanted : Object.keys(IMAGES)) {
  const build = IMAGES[name] ?? STORES[name];
  if (!build) throw new Error(`There is no image ${name}; known: ${Object.keys({ ...IMAGES, ...STORES }).join(', ')}.`);
  const image = await build();
  const file = join(out, `${name}.tar`);
  makeImage({ tag: `runnel/${name}:${version}`, out: file, arch, ...image });
  process.stdout.write(`runnel/${name}:${version}  ${(statSync(file).size / 1e6).toFixed(0)} MB  dist/images/${name}.tar\n`);
}
