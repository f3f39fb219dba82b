import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { LICENCES } from '../go-tools.mjs';
import { root } from '../lib/command.ts';

const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const { workspaces } = JSON.parse(text('package.json')) as { workspaces: string[] };
const packages = globSync(
  workspaces.map((workspace) => `${workspace}/package.json`),
  { cwd: root },
);

test('there are workspaces', () => expect(packages.length).toBeGreaterThan(10));

test.each(packages)('%s has a README beside it that says what it is, and how it is used or tested', (manifest) => {
  const { name } = JSON.parse(text(manifest)) as { name: string };
  const readme = text(join(dirname(manifest), 'README.md'));
  expect(readme.split('\n')[0]).toBe(`# ${name}`);
  expect(readme).toContain('\n```');
  expect(readme.split('\n').length).toBeLessThan(60);
});

test('each program that is built for tests is named with its licence, and none of them is linked or in an image', () => {
  const contributing = text('CONTRIBUTING.md');
  for (const [name, licence] of Object.entries(LICENCES)) expect(contributing).toContain(`| ${name} | ${licence} |`);
  const shipped = globSync(['Dockerfile', 'scripts/images/**/*.mjs', '{packages,services,web}/**/package.json'], {
    cwd: root,
    exclude: (path) => /node_modules|dist/.test(path),
  });
  expect(shipped.length).toBeGreaterThan(10);
  expect(shipped.filter((file) => /\bk6\b|go-tools/.test(text(file)))).toEqual([]);
});
