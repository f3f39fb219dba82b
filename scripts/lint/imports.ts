import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root } from '../lib/command.ts';

/** Files by the files that they import. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/** What a file takes from another one of ours: values, types, or all of it when it is asked for. */
const IMPORT = /^\s*(?:import|export)\s+(?:[^;'"]*?\bfrom\s*)?'(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;

export const importsIn = (source: string): string[] => [...source.matchAll(IMPORT)].map(([, from, asked]) => (from ?? asked)!);

/** Who imports whom among the files of these patterns. */
export const readImports = (patterns: readonly string[]): Graph => {
  const files = new Set(globSync(patterns, { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] }));
  const importsOf = (file: string): string[] => [
    ...new Set(importsIn(readFileSync(join(root, file), 'utf8')).map((path) => normalize(join(dirname(file), path)))),
  ];
  return new Map([...files].map((file) => [file, importsOf(file).filter((to) => files.has(to))]));
};
