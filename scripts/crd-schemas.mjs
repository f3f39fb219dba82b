// The custom resources of others that the chart writes, as JSON schemas for kubeconform: from the definitions in their Go modules, kept by version
// under the home directory. Nothing of theirs is in the repository.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where each project keeps its definitions, and which of them are wanted. */
const MODULES = [
  { module: 'sigs.k8s.io/gateway-api@v1.5.1', folder: 'config/crd/standard', files: /_httproutes\.yaml$/ },
  { module: 'github.com/cert-manager/cert-manager@v1.21.2', folder: 'deploy/crds', files: /_certificates\.yaml$/ },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    folder: 'example/prometheus-operator-crd',
    files: /_(servicemonitors|prometheusrules)\.yaml$/,
  },
  { module: 'github.com/kedacore/keda/v2@v2.21.0', folder: 'config/crd/bases', files: /_scaledobjects\.yaml$/ },
  { module: 'github.com/argoproj/argo-rollouts@v1.9.1', folder: 'manifests/crds', files: /^(rollout|analysis-template)-crd\.yaml$/ },
];
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'runnel', 'crd-schemas');
const TIMEOUT_MS = 300_000;

/** Folder of one JSON schema per kind, `<kind>_<group>_<version>.json`. */
export const crdSchemas = join(cache, MODULES.map(({ module }) => module.split('@')[1]).join('-'));

export const hasCrdSchemas = () => existsSync(crdSchemas);

/** An API server drops a field it does not know, in silence; here it is a mistake. */
const strict = (schema) => {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const own = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'properties' ? Object.fromEntries(Object.entries(value).map(([name, of]) => [name, strict(of)])) : strict(value),
    ]),
  );
  if (own['x-kubernetes-int-or-string'] === true) own.type = ['integer', 'string'];
  const closed = own.type === 'object' && own.properties !== undefined && own.additionalProperties === undefined;
  if (closed && own['x-kubernetes-preserve-unknown-fields'] !== true) own.additionalProperties = false;
  return own;
};

/** What the API server adds to each definition; of the metadata it knows the fields by itself. */
const EVERY_OBJECT = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' } };

/**
 * The schemas of a definition's text, by file name.
 * @param {string} text
 * @returns {Record<string, object>}
 */
export const schemasOfCrd = (text) => {
  // Not at the top: what the system lacks is asked for before there are dependencies.
  const { parseAllDocuments } = createRequire(import.meta.url)('yaml');
  const schemas = {};
  for (const document of parseAllDocuments(text)) {
    const crd = document.toJS();
    if (crd?.kind !== 'CustomResourceDefinition') continue;
    const { group, names, versions } = crd.spec;
    for (const { name, schema } of versions) {
      const whole = strict(schema.openAPIV3Schema);
      Object.assign(whole.properties, EVERY_OBJECT);
      schemas[`${names.kind.toLowerCase()}_${group}_${name}.json`] = whole;
    }
  }
  return schemas;
};

/** @returns {string | undefined} undefined when they are there now, else what went wrong */
export function fetchCrdSchemas() {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'fetch-'));
  try {
    writeFileSync(join(work, 'go.mod'), 'module runnel.local/crds\n\ngo 1.26.0\n');
    const env = { ...process.env, GOMODCACHE: join(work, 'modules'), GOFLAGS: '-modcacherw' };
    const schemas = join(work, 'schemas');
    mkdirSync(schemas);
    for (const { module, folder, files } of MODULES) {
      const got = spawnSync('go', ['mod', 'download', '-json', module], { cwd: work, env, encoding: 'utf8', timeout: TIMEOUT_MS });
      if (got.error !== undefined) return 'the definitions of other projects come by Go: install Go 1.26 or newer';
      const { Dir: dir, Error: error } = JSON.parse(got.stdout || '{}');
      if (got.status !== 0 || error !== undefined) return `go mod download ${module}: ${error ?? String(got.stderr).trim()}`;
      const found = readdirSync(join(dir, folder)).filter((name) => files.test(name));
      if (found.length === 0) return `${module} has no ${files} in ${folder}`;
      for (const name of found)
        for (const [file, schema] of Object.entries(schemasOfCrd(readFileSync(join(dir, folder, name), 'utf8'))))
          writeFileSync(join(schemas, file), JSON.stringify(schema));
    }
    renameSync(schemas, crdSchemas);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
