// Builds the Go programs that the tests need (k6, Helm 3 and 4, helm-unittest, kubeconform, actionlint, an S3 server, Dex) from the Go module proxy and
// keeps the binaries by version under the home directory: a second call costs nothing. They are programs of their own, run by tests: nothing
// of theirs is linked into Runnel or goes into an image. Their licences: `licence` of each.
//   node scripts/go-tools.mjs k6 helm4 …   prints `name=path` lines
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const CHART_UTIL = 'helm.sh/helm/v3/pkg/chartutil';

/** What to build; `found`: the version on the PATH that serves as well. */
const TOOLS = {
  k6: { version: '2.2.0', licence: 'AGPL-3.0', path: 'go.k6.io/k6/v2', require: ['go.k6.io/k6/v2 v2.2.0'], found: /k6 v2\./ },
  helm4: { version: '4.3.1', licence: 'Apache-2.0', path: 'helm.sh/helm/v4/cmd/helm', require: ['helm.sh/helm/v4 v4.3.1'] },
  helm3: {
    version: '3.22.0',
    licence: 'Apache-2.0',
    path: 'helm.sh/helm/v3/cmd/helm',
    require: ['helm.sh/helm/v3 v3.22.0'],
    // A plain build believes that Kubernetes is v1.20: charts with a kubeVersion would be refused.
    ldflags: `-X ${CHART_UTIL}.k8sVersionMajor=1 -X ${CHART_UTIL}.k8sVersionMinor=36`,
  },
  untt: {
    version: '1.1.2',
    licence: 'MIT',
    path: 'github.com/helm-unittest/helm-unittest/cmd/helm-unittest',
    require: ['github.com/helm-unittest/helm-unittest v1.1.2'],
    replace: ['github.com/vmware-labs/yaml-jsonpath v0.3.2 => github.com/helm-unittest/yaml-jsonpath v0.4.0'],
  },
  kubeconform: {
    version: '0.8.0',
    licence: 'Apache-2.0',
    path: 'github.com/yannh/kubeconform/cmd/kubeconform',
    require: ['github.com/yannh/kubeconform v0.8.0'],
  },
  versitygw: {
    version: '1.8.0',
    licence: 'Apache-2.0',
    path: 'github.com/versity/versitygw/cmd/versitygw',
    require: ['github.com/versity/versitygw v1.8.0'],
  },
  actionlint: {
    version: '1.7.12',
    licence: 'MIT',
    path: 'github.com/rhysd/actionlint/cmd/actionlint',
    require: ['github.com/rhysd/actionlint v1.7.12'],
  },
  dex: {
    version: '0.0.0-20260806151424-ab64ed778070',
    licence: 'Apache-2.0',
    path: 'github.com/dexidp/dex/cmd/dex',
    // Its releases are no Go modules (v2 without /v2 in the path): this is a commit, of both of its modules.
    require: [
      'github.com/dexidp/dex v0.0.0-20260806151424-ab64ed778070',
      'github.com/dexidp/dex/api/v2 v2.4.1-0.20260806151424-ab64ed778070',
    ],
  },
  'osv-scanner': {
    version: '2.5.0',
    licence: 'Apache-2.0',
    path: 'github.com/google/osv-scanner/v2/cmd/osv-scanner',
    require: ['github.com/google/osv-scanner/v2 v2.5.0'],
  },
};

/** Of each program, by its name. */
export const LICENCES = Object.fromEntries(Object.entries(TOOLS).map(([name, { licence }]) => [name, licence]));

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runnel', 'bin');

const isOnPath = (name, version) => {
  try {
    return version.test(execFileSync(name, ['version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return false;
  }
};

/** Path of a tool's binary, built on first use. Throws one clear sentence when it cannot be. */
export function goTool(name) {
  const tool = TOOLS[name];
  if (!tool) throw new Error(`There is no tool ${name}; known: ${Object.keys(TOOLS).join(', ')}.`);
  const binary = join(cache, `${name}-${tool.version}`);
  if (existsSync(binary)) return binary;
  if (tool.found && isOnPath(name, tool.found)) return name;
  try {
    execFileSync('go', ['version'], { stdio: 'ignore' });
  } catch {
    throw new Error(`${name} ${tool.version} is built from source: install Go 1.26 or newer, or put the binary at ${binary}.`);
  }
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), `runnel-${name}-`));
  try {
    const lines = ['module runnel.local/tools', 'go 1.26.0', `tool ${tool.path}`, ...tool.require.map((r) => `require ${r}`)];
    writeFileSync(join(folder, 'go.mod'), [...lines, ...(tool.replace ?? []).map((r) => `replace ${r}`), ''].join('\n'));
    const partial = `${binary}.${process.pid}`;
    process.stderr.write(`building ${name} ${tool.version} (once, a few minutes)\n`);
    execFileSync('go', ['build', '-mod=mod', '-trimpath', '-ldflags', `-s -w ${tool.ldflags ?? ''}`, '-o', partial, tool.path], {
      cwd: folder,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 30 * 60_000,
    });
    // Renamed last, so that a build that was cut off never looks finished.
    renameSync(partial, binary);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return binary;
}

if (import.meta.filename === process.argv[1] || process.argv[1]?.endsWith('go-tools.mjs')) {
  for (const name of process.argv.slice(2)) process.stdout.write(`${name}=${goTool(name)}\n`);
}
