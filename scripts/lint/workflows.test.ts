import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { TIERS } from '../lib/tiers.ts';
import { root } from '../lib/command.ts';

const workflows = globSync('.github/workflows/*.yml', { cwd: root });
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const scripts = Object.keys((JSON.parse(text('package.json')) as { scripts: object }).scripts);

/** `owner/name@<40 hex digits> # v1.2.3`: a tag can be moved, a digest cannot; the comment is for people and for Renovate. */
const PINNED = /^\S+\/\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
const unpinned = (workflow: string): string[] =>
  [...workflow.matchAll(/uses: (.+)$/gm)].map(([, used]) => used!).filter((used) => !PINNED.test(used));

test('there are workflows for tests, the chart on a cluster, known holes, and a release', () => {
  expect(workflows.map((file) => file.split('/').at(-1)).sort()).toEqual(['holes.yml', 'kubernetes.yml', 'release.yml', 'test.yml']);
});

describe.each(workflows)('%s', (file) => {
  test('pins each action by digest', () => expect(unpinned(text(file))).toEqual([]));

  test('calls commands of the project that are there', () => {
    const called = [...text(file).matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!);
    expect(called.filter((name) => !scripts.includes(name))).toEqual([]);
    const programs = [...text(file).matchAll(/node (scripts\/[\w./-]+)/g)].map(([, path]) => path!);
    expect(programs.filter((path) => globSync(path, { cwd: root }).length === 0)).toEqual([]);
  });

  test('gives the token nothing by default, and each job an end', () => {
    const { permissions, jobs } = parse(text(file)) as { permissions: object; jobs: Record<string, { 'timeout-minutes'?: number }> };
    expect(permissions).toEqual({ contents: 'read' });
    expect(Object.values(jobs).filter((job) => job['timeout-minutes'] === undefined)).toEqual([]);
  });
});

test('every tier of npm test is run by a job', () => {
  const { jobs } = parse(text('.github/workflows/test.yml')) as {
    jobs: { tiers: { strategy: { matrix: { tier: string[] } } }; clients: { steps: { run?: string }[] } };
  };
  // A job of its own runs all clients, of which the tier is those in JavaScript.
  expect(jobs.clients.steps.map(({ run }) => run)).toContain('npm run clients');
  const run = [...jobs.tiers.strategy.matrix.tier, 'check', 'unit', 'loadtest', 'clients'];
  expect(TIERS.map(({ name }) => name).sort()).toEqual(run.sort());
});

test('an action without a digest, or with a digest that nobody can read, is found', () => {
  const digest = 'a'.repeat(40);
  expect(unpinned(`- uses: a/b@v1\n- uses: a/b@${digest}\n- uses: a/b@${digest} # v1.2.3\n`)).toEqual(['a/b@v1', `a/b@${digest}`]);
});
