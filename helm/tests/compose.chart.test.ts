import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ConfigSpec } from '@runnel/kit';
import { configSpec as aiConfig } from '../../services/ai/src/config.ts';
import { configSpec as auditConfig } from '../../services/audit/src/config.ts';
import { configSpec as gatewayConfig } from '../../services/gateway/src/config.ts';

interface Service {
  image?: string;
  build?: { context: string; target: string };
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
  mem_limit?: string;
  deploy?: { replicas: number };
  profiles?: string[];
  volumes?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
}
interface Compose {
  services: Record<string, Service>;
  volumes?: Record<string, null>;
  include?: { path: string; env_file: string }[];
}

const FOLDER = join(import.meta.dirname, '../../compose');
const MEMORY_MB = 4608;
/** Docker's own library and the projects' own repositories. */
const OFFICIAL = /^(redis|postgres|nginx|apache\/kafka|prom\/prometheus|grafana\/(grafana|tempo)|ghcr\.io\/kafbat\/kafka-ui):[\w.-]+$/;
const CONFIGS: Record<string, ConfigSpec> = { gateway: gatewayConfig, ai: aiConfig, audit: auditConfig };
const FINISH_SECONDS = 5;

const text = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');
const read = (file: string): Compose => parse(text(file), { merge: true }) as Compose;
const substitute = (value: string, env: Record<string, string> = {}): string =>
  value.replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name: string, otherwise: string) => env[name] ?? otherwise);
const megabytes = (limit: string): number => Number(limit.replace(/m$/, ''));

describe.each(['compose.yaml', 'compose.multi-node.yaml'])('%s', (file) => {
  const { services, volumes = {} } = read(file);
  const always = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);

  test('images are official or built here, and never "latest"', () => {
    for (const [name, { image, build }] of Object.entries(services)) {
      if (build === undefined) expect(image, name).toMatch(OFFICIAL);
      else expect(readFileSync(join(FOLDER, build.context, 'Dockerfile'), 'utf8'), name).toContain(` AS ${build.target}\n`);
    }
  });

  test('everything has a health check, a time to stop in and a memory limit; together at most 4.5 GB', () => {
    for (const [name, service] of always) {
      expect(service.healthcheck?.test, name).toBeDefined();
      expect(service.stop_grace_period, name).toMatch(/^\d+s$/);
      expect(service.mem_limit, name).toMatch(/^\d+m$/);
    }
    const sum = always.reduce((total, [, { mem_limit, deploy }]) => total + megabytes(mem_limit!) * (deploy?.replicas ?? 1), 0);
    expect(sum).toBeLessThanOrEqual(MEMORY_MB);
  });

  test('a drain ends before the container is killed', () => {
    for (const [name, { environment = {}, stop_grace_period: grace }] of always) {
      const drain = environment['DRAIN_SECONDS'];
      if (drain !== undefined) expect(Number.parseInt(grace!), name).toBeGreaterThanOrEqual(Number(drain) + FINISH_SECONDS);
    }
  });

  test('what is waited for exists and says when it is ready', () => {
    for (const { depends_on: needs = {} } of Object.values(services)) {
      for (const [name, { condition }] of Object.entries(needs)) {
        expect(condition).toBe('service_healthy');
        expect(services[name]?.healthcheck, name).toBeDefined();
      }
    }
  });

  test("every variable of ours is one that the service's configuration knows", () => {
    const foreign = /^(OPENAI|ANTHROPIC)_API_KEY$/;
    for (const [name, { build, environment = {} }] of Object.entries(services)) {
      if (build === undefined) continue;
      const known = Object.values(CONFIGS[name.replace(/-\d$/, '')]!.settings).map(({ env }) => env);
      expect(known, name).toEqual(expect.arrayContaining(Object.keys(environment).filter((variable) => !foreign.test(variable))));
    }
  });

  test('addresses name services that are there; data lives in named volumes; mounted files exist', () => {
    for (const [name, { environment = {}, volumes: mounts = [] }] of Object.entries(services)) {
      for (const value of Object.values(environment)) {
        const host = /^(?:\w+:\/\/)?(?:[^@/]*@)?([a-z]\w*):\d+/.exec(substitute(value))?.[1];
        if (host !== undefined && host !== 'localhost' && /^[a-z]/.test(host))
          expect(Object.keys(services), `${name} ${value}`).toContain(host);
      }
      for (const mount of mounts) {
        const [from] = substitute(mount).split(':');
        if (from!.startsWith('.')) expect(existsSync(join(FOLDER, from!)), `${name} ${from}`).toBe(true);
        else expect(volumes, name).toHaveProperty(from!);
      }
    }
  });
});

test('the multi-node setup is three gateways, three AI pods, two audit services', () => {
  const { services } = read('compose.multi-node.yaml');
  expect(Object.keys(services)).toEqual(
    expect.arrayContaining(['nginx', 'gateway-1', 'gateway-2', 'gateway-3', 'redis', 'kafka', 'postgres']),
  );
  expect(services['ai']?.deploy?.replicas).toBe(3);
  expect(services['audit']?.deploy?.replicas).toBe(2);
  const upstream = readFileSync(join(FOLDER, '../nginx-ingress/round-robin.conf'), 'utf8');
  for (const name of Object.keys(services).filter((service) => service.startsWith('gateway-')))
    expect(upstream).toContain(`server ${name}:8080`);
});

test('the sticky setup is the same with the other nginx configuration', () => {
  const { include } = read('compose.sticky.yaml');
  expect(include).toEqual([{ path: 'compose.multi-node.yaml', env_file: 'sticky.env' }]);
  const env = Object.fromEntries(
    text('sticky.env')
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  const mounts = read('compose.multi-node.yaml').services['nginx']!.volumes!;
  expect(substitute(mounts[0]!, env)).toBe('../nginx-ingress/cookie.conf:/etc/nginx/nginx.conf:ro');
});

test('TLS is added to the nginx of the multi-node setup', () => {
  const { services } = read('compose.tls.yaml');
  expect(Object.keys(services)).toEqual(['nginx']);
  expect(services['nginx']!.volumes).toContain('../nginx-ingress/tls.conf:/etc/nginx/tls.d/tls.conf:ro');
});
