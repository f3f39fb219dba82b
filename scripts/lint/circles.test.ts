import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../lib/command.ts';

const SOURCES = [
  '{packages,services}/*/{src,testing}/**/*.ts',
  'web/src/**/*.{ts,vue}',
  '{bench,e2e,k8s,loadtest,observability,scripts}/**/*.ts',
];
/** What a file takes from another one of ours while it runs: types are gone by then. */
const IMPORT = /^\s*(?:import|export)\s+(?!type\b)([^;'"]*?)(?:\s*from\s*)?'(\.[^']+)'/gm;
const isOnlyTypes = (names: string): boolean => {
  const [, inside] = /^\{([^}]*)\}$/.exec(names.trim()) ?? [];
  const list =
    inside
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean) ?? [];
  return list.length > 0 && list.every((name) => name.startsWith('type '));
};

/** Files by the files that they import. */
type Graph = ReadonlyMap<string, readonly string[]>;

const readGraph = (): Graph => {
  const files = globSync(SOURCES, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] });
  return new Map(
    files.map((file) => [
      file,
      [...readFileSync(join(root, file), 'utf8').matchAll(IMPORT)]
        .filter(([, names]) => !isOnlyTypes(names!))
        .map(([, , path]) => normalize(join(dirname(file), path!))),
    ]),
  );
};

/** Files that cannot be put in an order in which each stands behind those that it imports: those of circles, and what imports them. Pure. */
const unordered = (graph: Graph): string[] => {
  const left = new Map([...graph].map(([file, imports]) => [file, new Set(imports.filter((to) => graph.has(to)))]));
  for (let free = [...left.keys()]; free.length > 0;) {
    free = [...left].filter(([, imports]) => imports.size === 0).map(([file]) => file);
    for (const file of free) left.delete(file);
    for (const imports of left.values()) for (const file of free) imports.delete(file);
  }
  return [...left.keys()];
};

/** The files of circles alone: what is left in both directions. Pure. */
const circles = (graph: Graph): string[] => {
  const inward = unordered(graph);
  const back = new Map(inward.map((file) => [file, inward.filter((other) => graph.get(other)!.includes(file))]));
  return unordered(back).toSorted();
};

test('no file takes values from one that takes values from it, over however many others', () => {
  const graph = readGraph();
  expect(graph.size).toBeGreaterThan(1_000);
  expect([...graph.values()].flat().filter((file) => graph.has(file)).length).toBeGreaterThan(3_000);
  expect(circles(graph)).toEqual([]);
});

test('the lint sees a circle, whoever leads there, and nothing in a line', () => {
  const graph = (...pairs: [string, string[]][]): Graph => new Map(pairs);
  expect(circles(graph(['a', ['b']], ['b', ['c']], ['c', []]))).toEqual([]);
  expect(circles(graph(['a', ['b']], ['b', ['c']], ['c', ['b', 'd']], ['d', []]))).toEqual(['b', 'c']);
  expect(isOnlyTypes('{ type A, type B }')).toBe(true);
  expect([isOnlyTypes('{ type A, b }'), isOnlyTypes('* as a'), isOnlyTypes('{}')]).toEqual([false, false, false]);
});
