import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from '../lib/command.ts';

const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const found = (pattern: string | string[]): string[] =>
  globSync(pattern, { cwd: root, exclude: (path) => path.includes('node_modules') || path.includes('/templates/') });

/** Images that a file names, as `name:tag` or `name@digest`; stages of a Dockerfile and templates are none. */
const imagesIn = (source: string): string[] => {
  const stages = new Set([...source.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage));
  const named = [...source.matchAll(/^(?:FROM (\S+)|\s*(?:- )?image: ['"]?([^\s'"#]+))/gm)].map(([, from, image]) => (from ?? image)!);
  return named.filter((image) => !stages.has(image) && /[:@]/.test(image) && !image.includes('{{'));
};
/** A version to the minor at least, a Debian's with its variant, or a digest; `latest` and nothing are what the registry likes today. */
const isExact = (image: string): boolean => /@sha256:[0-9a-f]{64}$|:v?\d+\.\d+[\w.-]*$|:\d+-alpine$|:\$\{NODE\}-[a-z-]+$/.test(image);
/** Has no versions, only a name for each kind; Renovate gives it a digest. */
const WITHOUT_VERSIONS = ['gcr.io/distroless/nodejs24-debian12:nonroot'];

describe('S-23 images', () => {
  const files = found(['Dockerfile', 'compose/*.yaml', 'helm/runnel/values.yaml', 'k8s/*.yaml']);

  test('that are not ours are named by version everywhere, and Renovate pins each by its digest', () => {
    const images = files.flatMap((file) => imagesIn(text(file)).map((image) => `${file}: ${image}`));
    expect(images.length).toBeGreaterThan(15);
    const loose = images.filter((line) => !isExact(line) && !WITHOUT_VERSIONS.some((known) => line.endsWith(known)));
    expect(loose).toEqual([]);
    expect((JSON.parse(text('renovate.json')) as { extends: string[] }).extends).toContain('docker:pinDigests');
    expect(text('Dockerfile')).toMatch(/^ARG NODE=\d+\.\d+\.\d+$/m);
  });

  test('by a tag that moves are found', () => {
    const moving = ['redis', 'redis:latest', 'redis:7', 'gcr.io/a/b:nonroot', 'a/b:stable'];
    expect(moving.filter(isExact)).toEqual([]);
    expect(imagesIn('FROM a:1.2 AS base\nFROM base\n  image: redis:latest\n  - image: "b@sha256:1"\nimage: {{ x:1 }}')).toEqual([
      'a:1.2',
      'redis:latest',
      'b@sha256:1',
    ]);
  });

  test('are scanned for known holes before they are signed', () => {
    const { jobs } = parse(text('.github/workflows/release.yml')) as { jobs: Record<string, { steps: { run?: string }[] }> };
    const commands = jobs.images!.steps.flatMap(({ run }) => run?.split('\n') ?? []);
    const at = (part: string): number => commands.findIndex((line) => line.includes(part));
    expect(at('docker buildx build')).toBeGreaterThanOrEqual(0);
    expect(at('npm run scan -- --image')).toBeGreaterThan(at('docker buildx build'));
    expect(at('cosign sign')).toBeGreaterThan(at('npm run scan -- --image'));
  });

  test('are built without scripts of packages', () => {
    const installs = text('Dockerfile').match(/npm (?:ci|install)[^&\n]*/g)!;
    expect(installs.length).toBeGreaterThan(0);
    expect(installs.filter((line) => !line.startsWith('npm ci') || !line.includes('--ignore-scripts'))).toEqual([]);
  });
});

describe('S-23 packages', () => {
  interface Locked {
    link?: boolean;
    integrity?: string;
    hasInstallScript?: boolean;
  }
  const { packages } = JSON.parse(text('package-lock.json')) as { packages: Record<string, Locked> };
  const locked = Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && link !== true);

  test('each has the digest of its content in the lock file, and but one brings no script', () => {
    expect(locked.length).toBeGreaterThan(400);
    expect(locked.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''))).toEqual([]);
    // It only looks whether its binary is the right one; what it would do, its optional dependency has done.
    expect(locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual(['node_modules/esbuild']);
  });

  test('what we depend on is of one version, not of a range; only a peer may be what its user has', () => {
    const manifests = found(['package.json', '{packages,services}/*/package.json', '{web,e2e,bench}/package.json']);
    expect(manifests.length).toBeGreaterThan(10);
    const ranges = manifests.flatMap((file) => {
      const {
        dependencies = {},
        devDependencies = {},
        optionalDependencies = {},
      } = JSON.parse(text(file)) as Record<string, Record<string, string>>;
      const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
      const isOurs = (name: string): boolean => name.startsWith('@runnel/');
      return all
        .filter(([name, version]) => !isOurs(name) && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
        .map((one) => `${file}: ${one.join(' ')}`);
    });
    expect(ranges).toEqual([]);
  });

  test('are scanned for known holes when the lock file changes, and each week', () => {
    const { on, jobs } = parse(text('.github/workflows/holes.yml')) as {
      on: { push: { paths: string[] }; pull_request: { paths: string[] }; schedule: { cron: string }[] };
      jobs: { packages: { steps: { run?: string }[] } };
    };
    for (const { paths } of [on.push, on.pull_request]) expect(paths).toContain('package-lock.json');
    expect(on.schedule).toHaveLength(1);
    const commands = jobs.packages.steps.map(({ run }) => run ?? '').join('\n');
    for (const part of ['npm run scan', 'npm audit signatures']) expect(commands).toContain(part);
  });
});

/** Entries of `osv-scanner.toml` without a reason or a last day. */
const endless = (toml: string): string[] =>
  toml
    .split(/^\[\[/m)
    .slice(1)
    .filter((entry) => !/^reason = ".{20,}"$/m.test(entry) || !/^(ignoreUntil|effectiveUntil) = \d{4}-\d\d-\d\d$/m.test(entry));

test('S-23 a hole that may stay has a reason and a last day', () => {
  expect(endless(text('osv-scanner.toml'))).toEqual([]);
  const whole = '[[IgnoredVulns]]\nid = "a"\nignoreUntil = 2027-01-31\nreason = "only a test server uses that path"\n';
  expect(endless(whole)).toEqual([]);
  for (const line of whole.split('\n').slice(2, 4)) expect(endless(whole.replace(line, ''))).toHaveLength(1);
});
