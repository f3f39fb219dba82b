import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../lib/command.ts';
import { readImports } from './imports.ts';

const SOURCES = '{packages/{coordination,client},services/{gateway,ai,audit,operator}}/src/*/**/*.{ts,lua}';
const isSource = (file: string): boolean => /\.(ts|lua|vue)$/.test(file) && !/\.test\.ts$/.test(file);

const folders = Map.groupBy(globSync(SOURCES, { cwd: root }).filter(isSource), dirname);
/** Of everything that runs, with the folders that rooms lie in. */
const all = Map.groupBy(globSync('{packages/*,services/*,web}/{src,testing}/**/*.{ts,lua,vue}', { cwd: root }).filter(isSource), dirname);
const most = 20;
/** Rooms that are small, or whose name is the whole story. */
const WITHOUT = /\/(?:cli|migrations|discovery|testing|remote|lua\/\w+|http\/(?:api|plumbing|sse))$/;

test.each([...all])(`%s holds at most ${most} source files`, (_folder, files) => expect(files.length).toBeLessThanOrEqual(most));

test.each([...folders.keys()].filter((folder) => !WITHOUT.test(folder)))(
  '%s says in a README what it is and what its words mean',
  (folder) => {
    const readme = readFileSync(join(root, folder, 'README.md'), 'utf8');
    expect(readme).toMatch(/^# /);
    expect(readme.split('\n').length).toBeLessThanOrEqual(10);
    const named = [...readme.matchAll(/`([\w-]+\.ts)`/g)].map(([, file]) => file!);
    const missing = named.filter(
      (file) => !existsSync(join(root, folder, file)) && globSync(`**/${file}`, { cwd: join(root, dirname(dirname(folder))) }).length === 0,
    );
    expect(missing).toEqual([]);
  },
);

test('no README is left of a room that is gone', () => {
  const readmes = globSync('{packages,services}/*/src/**/README.md', { cwd: root });
  expect(readmes.length).toBeGreaterThan(20);
  for (const readme of readmes) expect(readdirSync(join(root, dirname(readme))).length, basename(dirname(readme))).toBeGreaterThan(1);
});

/**
 * Arrows: pairs of folders of which the one imports from the other, types included, tests and fakes not. First between all folders of a `src`,
 * then between its rooms alone (what lies in a room counts as the room). An arrow more is a thing in the wrong place, or a step of the way
 * that is new; an arrow fewer lowers the figure (decision 0110).
 */
const ARROWS: Record<string, [folders: number, rooms: number]> = {
  'services/gateway': [139, 54],
  'services/audit': [52, 49],
  'services/ai': [40, 28],
  'services/operator': [16, 16],
  'packages/coordination': [32, 14],
  'packages/client': [20, 20],
};

test.each(Object.entries(ARROWS))('%s has no arrow more between its folders, nor between its rooms', (part, [folders, rooms]) => {
  const graph = readImports([`${part}/src/**/*.ts`]);
  const arrowsBy = (placeOf: (file: string) => string): number =>
    new Set(
      [...graph].flatMap(([file, imports]) =>
        isSource(file) && !file.includes('/testing/')
          ? imports.filter((to) => placeOf(to) !== placeOf(file)).map((to) => `${placeOf(file)} ${placeOf(to)}`)
          : [],
      ),
    ).size;
  const roomOf = (file: string): string => {
    const [room, inside] = file.slice(`${part}/src/`.length).split('/');
    return inside === undefined ? '.' : room!;
  };
  expect(arrowsBy(dirname)).toBeLessThanOrEqual(folders);
  expect(arrowsBy(roomOf)).toBeLessThanOrEqual(rooms);
});
