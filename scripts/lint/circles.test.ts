import { expect, test } from 'vitest';
import { importsIn, readImports, type Graph } from './imports.ts';

const SOURCES = [
  '{packages,services}/*/{src,test,testing}/**/*.ts',
  'web/{src,test}/**/*.{ts,vue}',
  '{bench,clients,e2e,helm,k8s,loadtest,nginx-ingress,observability,scripts}/**/*.ts',
];

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

test('no file imports one that imports it, over however many others: neither values nor types', () => {
  const graph = readImports(SOURCES);
  expect(graph.size).toBeGreaterThan(1_500);
  expect([...graph.values()].flat().length).toBeGreaterThan(4_000);
  expect(circles(graph)).toEqual([]);
});

test('the lint sees a circle, whoever leads there, and nothing in a line', () => {
  const graph = (...pairs: [string, string[]][]): Graph => new Map(pairs);
  expect(circles(graph(['a', ['b']], ['b', ['c']], ['c', []]))).toEqual([]);
  expect(circles(graph(['a', ['b']], ['b', ['c']], ['c', ['b', 'd']], ['d', []]))).toEqual(['b', 'c']);
});

test('the lint sees types, values, what is handed on, what has no name and what is asked for late', () => {
  const source = `
    import type { A } from './a.ts';
    import {
      b,
      type B,
    } from '../b.ts';
    export type * from './c.ts';
    import './d.ts';
    import { e } from '@runnel/e';
    const late = () => import('./f.ts');`;
  expect(importsIn(source)).toEqual(['./a.ts', '../b.ts', './c.ts', './d.ts', './f.ts']);
});
