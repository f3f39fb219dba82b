import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ConfigSpec } from '@runnel/kit';
import { configSpec as ai } from '../../services/ai/src/config.ts';
import { configSpec as audit } from '../../services/audit/src/config.ts';
import { configSpec as operator } from '../../services/operator/src/config.ts';
import { configSpec as gateway } from '../../services/gateway/src/config.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const SPECS: Record<string, ConfigSpec> = { gateway, ai, audit, operator };
const COMPOSE = ['compose/compose.yaml', 'compose/compose.multi-node.yaml'];

const EVERYWHERE = 'a pod listens on all its addresses';
const BY_IMAGE = 'images have it set, by the build';
const BY_FILE = 'a file instead, which may change under a running pod';
const BY_ENV = 'in `<service>.env`: values files of older charts have it there, and the chart refuses there what it sets itself';
const BY_RUNNEL_ENV = 'in compose/runnel.env, which every service of ours reads';

/** OpenTelemetry's own, beside the address (`tracing.endpoint`). */
const TRACING = Object.fromEntries(
  ['SDK_DISABLED', 'TRACES_EXPORTER', 'EXPORTER_OTLP_TRACES_ENDPOINT', 'EXPORTER_OTLP_PROTOCOL', 'SERVICE_NAME', 'RESOURCE_ATTRIBUTES']
    .concat('TRACES_SAMPLER', 'TRACES_SAMPLER_ARG')
    .map((name) => [`OTEL_${name}`, BY_ENV]),
);

/** What a service reads and the chart has no value of its own for, and why. */
const NOT_IN_CHART: Record<string, Record<string, string>> = {
  gateway: {
    HOST: EVERYWHERE,
    RUNNEL_COMMIT: BY_IMAGE,
    ...TRACING,
    INTERNAL_TOKEN: BY_FILE,
    OIDC_CLIENT_SECRET_FILE: 'a Secret gives OIDC_CLIENT_SECRET',
    AI_SERVICE_URLS: 'the chart knows the Service (AI_SERVICE_NAME)',
    KUBERNETES_SERVICE_HOST: 'Kubernetes gives it to every pod',
    KUBERNETES_SERVICE_PORT_HTTPS: 'Kubernetes gives it to every pod',
    WEB_DIR: 'the page has pods of its own',
    ...Object.fromEntries(
      [
        ...['DISPATCH', 'SESSION_COOKIE', 'JWT_MAX_AGE_SECONDS', 'ADMIN_SCOPE', 'PUBLIC_HOSTS', 'ADMIN_USERS', 'MAX_TEXT_CHARS'],
        ...['FILE_MAX_BYTES', 'FILES_MAX_TOTAL_BYTES', 'FILES_MAX_COUNT', 'FILE_TYPES', 'IMAGE_MAX_PIXELS'],
        ...['MAX_SOCKETS', 'MAX_SOCKETS_PER_IP', 'MAX_UNSENT_BYTES', 'HEARTBEAT_MS', 'IDEMPOTENCY_GRACE', 'ACCESS_LOG'],
        ...[
          'OIDC_SCOPES',
          'SESSION_IDLE_SECONDS',
          'SESSION_MAX_SECONDS',
          'SESSION_CHECK_SECONDS',
          'ROLES_CLAIM',
          'GROUPS_CLAIM',
          'ADMIN_ROLES',
          'AUDITOR_ROLES',
          'USER_ROLES',
        ],
      ].map((name) => [name, BY_ENV]),
    ),
  },
  operator: {
    HOST: EVERYWHERE,
    RUNNEL_COMMIT: BY_IMAGE,
    ...TRACING,
    INTERNAL_TOKEN: BY_FILE,
    SERVICE_ACCOUNT_DIR: 'Kubernetes mounts it there in every pod',
    KUBERNETES_SERVICE_HOST: 'Kubernetes gives it to every pod',
    KUBERNETES_SERVICE_PORT_HTTPS: 'Kubernetes gives it to every pod',
  },
  ai: { HOST: EVERYWHERE, RUNNEL_COMMIT: BY_IMAGE, ...TRACING, INTERNAL_TOKEN: BY_FILE, LEASE_MS: BY_ENV },
  audit: {
    HOST: EVERYWHERE,
    RUNNEL_COMMIT: BY_IMAGE,
    ...TRACING,
    INTERNAL_TOKEN: BY_FILE,
    CHECKPOINT_KEY_FILE: 'a Secret gives CHECKPOINT_KEY',
    ...Object.fromEntries(['KAFKA_PARTITIONS', 'KAFKA_RETENTION', 'AUDIT_RETENTION', 'CHECKPOINT_FILE'].map((name) => [name, BY_ENV])),
  },
};

const templates = readdirSync(join(ROOT, 'helm/runnel/templates')).filter((name) => name.endsWith('.tpl'));
const helpers = templates.map((name) => read(`helm/runnel/templates/${name}`)).join('\n');
const namesIn = (template: string): string[] => [
  ...[...template.matchAll(/\bname: ([A-Z][A-Z0-9_]+)\b|\(dict "name" "([A-Z][A-Z0-9_]+)"/g)].map(
    ([, plain, secret]) => (plain ?? secret)!,
  ),
  ...[...template.matchAll(/range \$key := list ((?:"[A-Z_]+" ?)+)/g)].flatMap(([, names]) => names!.match(/[A-Z_]+/g) ?? []),
];
/** Three variables are put together of a prefix. */
const withTls = (template: string): string =>
  template.replaceAll(/include "runnel\.tlsEnv" \(dict .* "prefix" "(\w+)"\)/g, (_, prefix: string) =>
    ['CA', 'CERT', 'KEY'].map((file) => ` name: ${prefix}_${file}_FILE `).join(''),
  );
/** A template with the helpers it includes, and those that they include. */
const withHelpers = (template: string): string =>
  [...template.matchAll(/include "(runnel\.\w*[eE]nv)"/g)].reduce((text, [, name]) => {
    const from = helpers.indexOf(`{{- define "${name}" -}}`);
    const to = helpers.indexOf('{{- define ', from + 1);
    return text + withHelpers(helpers.slice(from, to === -1 ? undefined : to));
  }, template);
const chartNames = (service: string): Set<string> => new Set(namesIn(withTls(withHelpers(read(`helm/runnel/templates/${service}.yaml`)))));
const envOf = (spec: ConfigSpec): string[] => Object.values(spec.settings).map(({ env }) => env);

interface ComposeService {
  environment?: Record<string, string>;
  env_file?: { path: string; required: boolean }[];
}
const composeServices = (file: string): Record<string, ComposeService> =>
  (parse(read(file), { merge: true }) as { services: Record<string, ComposeService> }).services;

describe.each(Object.entries(SPECS))('what %s reads from its environment', (service, spec) => {
  test('the chart sets, or here is why it does not', () => {
    const set = chartNames(service);
    const reasons = NOT_IN_CHART[service]!;
    const known = envOf(spec);
    expect(known.filter((name) => !set.has(name)).toSorted()).toEqual(Object.keys(reasons).toSorted());
    expect(Object.keys(reasons).filter((name) => !known.includes(name) || set.has(name))).toEqual([]);
    expect([...set].filter((name) => !known.includes(name) && name !== 'NODE_EXTRA_CA_CERTS')).toEqual([]);
  });

  test('the chart refuses in `env` what it sets itself, and lets through what it leaves to `env`', () => {
    const refused = new Set([...read('helm/runnel/templates/validate.yaml').matchAll(/"([A-Z][A-Z0-9_]+)" "/g)].map(([, name]) => name!));
    expect([...chartNames(service)].filter((name) => !refused.has(name))).toEqual([]);
    const left = Object.entries(NOT_IN_CHART[service]!).filter(([, reason]) => reason === BY_ENV);
    expect(left.filter(([name]) => refused.has(name))).toEqual([]);
  });

  // The operator is for Kubernetes alone.
  test.each(service === 'operator' ? [] : COMPOSE)(`%s sets, or leaves to the file that all may be put in (${BY_RUNNEL_ENV})`, (file) => {
    const ours = Object.entries(composeServices(file)).filter(([name]) => name.replace(/-\d$/, '') === service);
    expect(ours).not.toEqual([]);
    for (const [name, { environment = {}, env_file: files }] of ours) {
      expect(files, name).toEqual([{ path: 'runnel.env', required: false }]);
      const fixed = Object.entries(environment).filter(([, value]) => !value.startsWith('${'));
      // Fixed by what the file puts together; everything else is the operator's.
      expect(fixed.map(([variable]) => variable).filter((variable) => !FIXED_BY_COMPOSE.has(variable))).toEqual([]);
    }
  });

  test('docs/configuration.md has', () => {
    const [, section = ''] = read('docs/configuration.md').split(`\n## ${service}\n`);
    const rows = section.split('\n## ')[0]!;
    expect(envOf(spec).filter((name) => !rows.includes(`| \`${name}\``))).toEqual([]);
  });
});

const FIXED_BY_COMPOSE = new Set([
  ...['REDIS_URL', 'INTERNAL_PORT', 'AI_SERVICE_NAME', 'AUDIT_URL', 'DEV_MODE_OPEN', 'TRUST_PROXY', 'DATABASE_URL', 'KAFKA_BROKERS'],
  // No folder that the containers could share.
  ...['FILES_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  // Beside `stop_grace_period`, which must be longer.
  'DRAIN_SECONDS',
]);
