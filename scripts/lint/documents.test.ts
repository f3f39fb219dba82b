import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { SCENARIOS } from '../../e2e/scenarios/index.ts';
import { root } from '../lib/command.ts';

const documents = globSync('**/*.md', { cwd: root, exclude: (name) => /(^|\/)(node_modules|dist|\..*)$/.test(name) });
const read = (document: string): string => readFileSync(join(root, document), 'utf8');
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts);
const names = SCENARIOS.map(({ name }) => name);

const FOLDERS = 'packages|services|web|e2e|bench|helm|k8s|compose|nginx-ingress|loadtest|observability|scripts|docs';
const SOURCE = new RegExp(`(?<![\\w/.-])(?:${FOLDERS})/[\\w./-]+\\.(?:ts|lua|mjs|vue|yaml|conf|tgz|json)`, 'g');

/** `scenario-a`, `scenario-b` and `cancel-…` after the word "scenario", and what `npm run e2e -- --only` is given. */
const scenariosIn = (text: string): string[] => [
  ...[...text.matchAll(/scenarios? ((?:`[a-z0-9…-]+`(?:, | and )?)+)/gi)].flatMap(([, list]) =>
    [...list!.matchAll(/`([a-z0-9-]+)…?`/g)].map(([, name]) => name!),
  ),
  ...[...text.matchAll(/npm run e2e -- --only ([a-z0-9,-]+)/g)].flatMap(([, list]) => list!.split(',')),
];

test.each(documents)('%s names scenarios and commands that are there', (document) => {
  const text = read(document);
  expect(scenariosIn(text).filter((part) => !names.some((name) => name.includes(part)))).toEqual([]);
  const commands = [...text.matchAll(/npm run ([a-z0-9:]+(?:-[a-z0-9]+)*)/g)].map(([, name]) => name!);
  expect(commands.filter((name) => !scripts.includes(name))).toEqual([]);
});

test.each([
  ['docs/user-guide.md', 'en'],
  ['docs/user-guide.vi.md', 'vi'],
])('%s calls things as the page does', (document, locale) => {
  const files = globSync(`web/src/locales/${locale}{,-*}.ts`, { cwd: root });
  const page = files.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
  const called = [...read(document).matchAll(/(?<!\*)\*([^*\n[]+)\*(?!\*)/g)].map(([, words]) => words!);
  expect(called.length).toBeGreaterThan(10);
  expect(called.filter((words) => !page.includes(words))).toEqual([]);
});

test.each(documents)('%s names sources that are there', (document) => {
  const sources = [...read(document).matchAll(SOURCE)].map(([path]) => path);
  expect(sources.filter((path) => !existsSync(join(root, path)) && !existsSync(join(root, dirname(document), path)))).toEqual([]);
});

test('a scenario that is not there is found, in each way of naming one', () => {
  expect(scenariosIn('Scenarios `a-1`, `b` and `c-…`; `npm run e2e -- --only d,e-f`; `g`')).toEqual(['a-1', 'b', 'c-', 'd', 'e-f']);
});
