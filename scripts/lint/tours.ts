import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** One file of a tour in ARCHITECTURE.md, and how it hands on to the file of the next row; the last hands on nothing. */
export interface Stop {
  file: string;
  /** `imports`, `imported by`, or a seam with its name: `type RunLog`, `script append-chunk`, `frame prompt`. */
  link: string;
}

const HEADER = '| file | what happens there | handed on |';

/** The tours of a document: each table with the header above, by the heading it stands under. */
export const toursOf = (document: string): Map<string, Stop[]> => {
  const tours = new Map<string, Stop[]>();
  let heading = '';
  let stops: Stop[] | null = null;
  for (const line of document.split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    if (line === HEADER) tours.set(heading, (stops = []));
    else if (!line.startsWith('|')) stops = null;
    else if (stops && !line.startsWith('| ---')) {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      stops.push({ file: cells[1]!.replaceAll('`', ''), link: cells[3]!.replaceAll('`', '') });
    }
  }
  return tours;
};

type Read = (file: string) => string;

const importsOf = (source: string): { names: string; from: string }[] =>
  [...source.matchAll(/^(?:import|export) ([^;]*?) ?from '([^']+)';/gm)].map(([, names, from]) => ({ names: names!, from: from! }));

/** Relative imports as paths of the repository. */
const importedFiles = (file: string, read: Read): string[] =>
  importsOf(read(file))
    .filter(({ from }) => from.startsWith('.'))
    .map(({ from }) => join(dirname(file), from));

const isWord = (name: string, text: string): boolean => new RegExp(`(?<![\\w$])${name}(?![\\w$])`).test(text);

/** Imports the name, or exports it. */
const has = (name: string, source: string): boolean =>
  importsOf(source).some(({ names }) => isWord(name, names)) ||
  new RegExp(`^export (?:abstract )?(?:interface|type|class|const|function) ${name}(?!\\w)`, 'm').test(source);

/** The keys and channels that a Lua header names, or its include. */
const needs = (lua: string): string[] =>
  [...lua.matchAll(/^-- (?:KEYS |.*Needs )(.*)$/gm)].flatMap(([, names]) => names!.split(/[\s,.]+/).filter(Boolean));

/** Whether what a row says of the way to the next file is so, by the kind of link. */
const LINKS: Record<string, (name: string, from: string, to: string, read: Read) => boolean> = {
  imports: (name, from, to, read) =>
    name === ''
      ? importedFiles(from, read).includes(to)
      : importsOf(read(from)).some(({ names }) => isWord(name, names)) && has(name, read(to)),
  'imported by': (_name, from, to, read) => importedFiles(to, read).includes(from),
  /** Both know one interface or shape: the one calls it or fills it, the other is it or reads it. */
  type: (name, from, to, read) => has(name, read(from)) && has(name, read(to)),
  function: (name, from, to, read) => has(name, read(from)) && has(name, read(to)),
  table: (name, from, to, read) => has(name, read(from)) && has(name, read(to)),
  script: (name, from, to, read) =>
    read(from).includes(`'${name}'`) &&
    importedFiles(from, read).some((file) => file.endsWith('redis/scripts.ts')) &&
    to.endsWith(`/${name}.lua`),
  include: (name, from, to, read) => read(from).includes(`-- @include ${name}\n`) && to.endsWith(`/include/${name}.lua`),
  channel: (name, from, to, read) =>
    needs(read(from)).includes(name) && read(from).includes(`'SPUBLISH', ${name}`) && read(to).includes('ssubscribe('),
  key: (name, from, to, read) =>
    needs(read(from)).includes(name) && importsOf(read(to)).some(({ from: module }) => basename(module) === 'keys.ts'),
  /** The word of a frame or event of PROTOCOL.md, which each side has from `@runnel/protocol`. */
  frame: (name, from, to, read) =>
    [from, to].every((file) => importsOf(read(file)).some(({ from: module }) => module === '@runnel/protocol')) &&
    [from, to].some((file) => read(file).includes(`'${name}'`)) &&
    read('PROTOCOL.md').includes(`\`${name}\``),
  path: (name, from, to, read) => [from, to].every((file) => read(file).includes(`'${name}'`)),
};

/** What is wrong with a tour; empty when each file is there and hands on to the next as its row says. Pure but for reading. */
export const brokenTour = (stops: readonly Stop[], root: string): string[] => {
  const missing = stops.filter(({ file }) => !existsSync(join(root, file))).map(({ file }) => `${file} is not there`);
  if (missing.length > 0) return missing;
  const read: Read = (file) => readFileSync(join(root, file), 'utf8');
  return stops.flatMap(({ file, link }, index) => {
    const next = stops[index + 1];
    if (next === undefined) return link === '' ? [] : [`${file} is the last and hands on nothing`];
    const kind = Object.keys(LINKS).find((each) => link === each || link.startsWith(`${each} `));
    const stands = kind !== undefined && LINKS[kind]!(link.slice(kind.length).trim(), file, next.file, read);
    return stands ? [] : [`${file} → ${next.file}: not by "${link}"`];
  });
};
