import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadScripts, unknownKeys, type Script } from './scripts.ts';

const FOLDER = join(import.meta.dirname, 'lua');
const scripts = loadScripts();
const files = globSync('**/*.lua', { cwd: FOLDER }).toSorted();
const source = (name: string): string =>
  readFileSync(
    join(
      FOLDER,
      files.find((file) => basename(file, '.lua') === name)!,
    ),
    'utf8',
  );
const bodyOf = (lua: string): string => lua.replaceAll(/^ *--.*$/gm, '');

/** Highest index of `KEYS[n]` or `ARGV[n]`; indexes made of variables do not count. */
const highest = (lua: string, table: 'KEYS' | 'ARGV'): number =>
  Math.max(0, ...[...lua.matchAll(new RegExp(`\\b${table}\\[(\\d+)\\]`, 'g'))].map((match) => Number(match[1])));

/** The names that KEYS and ARGV are given at the top of a body, by index. */
const namesOf = (lua: string, table: 'KEYS' | 'ARGV'): Map<number, string> => {
  const names = new Map<number, string>();
  for (const [, left = '', right = ''] of lua.matchAll(/^local ([\w, ]+) = (.*(?:KEYS|ARGV).*)$/gm)) {
    const values = [...right.matchAll(/(KEYS|ARGV)\[(\d+)\]/g)];
    const variables = left.split(', ');
    if (values.length !== variables.length) continue;
    for (const [index, [, from, position]] of values.entries()) if (from === table) names.set(Number(position), variables[index]!);
  }
  return names;
};

/** First words of what a body returns: the first element of a table, or what `refusal` and `renew` return. */
const returned = (lua: string): Set<string> => {
  const words = new Set<string>();
  for (const [, word = ''] of lua.matchAll(/return \{ '([a-z-]+)'/g)) words.add(word);
  for (const [, word = ''] of lua.matchAll(/return '([a-z]+)'$/gm)) words.add(word);
  // A bare value has its word beside it.
  for (const [, word = ''] of lua.matchAll(/return \w+ -- ([a-z-]+)$/gm)) words.add(word);
  for (const [, yes = '', no = ''] of lua.matchAll(/return .* and '([a-z]+)' or '([a-z]+)'$/gm)) words.add(yes).add(no);
  // JSON's, by include/json.
  words.delete('null');
  return words;
};

/** Where a key has the argument's name already, or it would say too little inside a body. */
const RENAMED: Record<string, string> = { claimant: 'owner', doubted: 'owner', cursorLog: 'logId', cursor: 'offset', failure: 'error' };

describe.each(scripts.map((script) => [script.name, script] as const))('%s.lua', (name, script: Script) => {
  const lua = source(name);
  const header = lua.slice(0, lua.indexOf('\nlocal')).replace(/^#!lua .*\n/, '');

  test('has a header with its purpose, keys, arguments, outcomes and law', () => {
    expect(header.startsWith(`-- ${name}: `)).toBe(true);
    for (const label of ['KEYS', 'ARGV', 'Returns', 'Law']) expect(header).toMatch(new RegExp(`^-- ${label} +\\S`, 'm'));
    expect(unknownKeys(script)).toEqual([]);
  });

  test('uses as many keys and arguments as its header names, by those names', () => {
    expect(highest(lua, 'KEYS')).toBe(script.keys.length);
    expect(highest(lua, 'ARGV')).toBe(script.args.length);
    for (const [index, variable] of namesOf(lua, 'KEYS')) expect(variable).toBe(script.keys[index - 1]);
    for (const [index, variable] of namesOf(lua, 'ARGV')) expect(RENAMED[variable] ?? variable).toBe(script.args[index - 1]);
  });

  test('returns the words of its header and no others', () => {
    const words = script.outcomes.map((outcome) => outcome.split(' ')[0]);
    if (words[0] === 'a') return;
    expect([...returned(bodyOf(script.lua))].toSorted()).toEqual([...words].toSorted());
  });

  test('has no global but those of Redis, and no include left', () => {
    expect(script.lua).not.toContain('@include');
    const body = bodyOf(script.lua);
    const declared = new Set(
      [...body.matchAll(/\blocal (?:function )?([\w, ]+)/g)].flatMap((match) => match[1]!.split(/, /).map((one) => one.trim())),
    );
    const assigned = [...body.matchAll(/^ *([a-zA-Z]+) = [^=]/gm)].map((match) => match[1]!);
    expect(assigned.filter((variable) => !declared.has(variable))).toEqual([]);
    expect(body).not.toMatch(/^function /m);
  });

  test('includes only what it uses', () => {
    for (const [, part = ''] of lua.matchAll(/-- @include ([a-z]+)/g)) {
      const uses = part === 'now' ? /\bnow\b/ : new RegExp(`\\b${part}\\(`);
      const others = [...lua.matchAll(/-- @include ([a-z]+)/g)].map((match) => match[1]!).filter((other) => other !== part);
      const around = [bodyOf(lua), ...others.map((other) => bodyOf(source(other)))].join('\n');
      expect(around, `${name} includes ${part}`).toMatch(uses);
    }
  });
});

test('every Lua file is a script that is registered', () => {
  const own = files.filter((file) => !file.startsWith('include/')).map((file) => basename(file, '.lua'));
  expect(own.toSorted()).toEqual(scripts.map(({ name }) => name).toSorted());
  expect(new Set(files.map((file) => basename(file))).size).toBe(files.length);
});

/** The outcome words of each result type of run-log/, read from its source: words are the same in Lua and TypeScript. */
const typeWords = (type: string): string[] => {
  const folder = join(import.meta.dirname, '..');
  const run = globSync(['*.ts', 'run-log/*.ts', 'redis/*.ts'], { cwd: folder })
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const start = run.indexOf(`export type ${type} =`);
  const text = run.slice(start, run.indexOf('\nexport ', start + 1));
  const named = [...text.matchAll(/(?:outcome|kind): '([a-z-]+)'/g)].map((match) => match[1]!);
  return named.length > 0 ? named : [...text.matchAll(/'([a-z-]+)'/g)].map((match) => match[1]!);
};

test.each([
  ['begin-run', 'BeginRunResult'],
  ['claim-run', 'ClaimRunResult'],
  ['append-chunk', 'AppendChunkResult'],
  ['end-run', 'EndRunResult'],
  ['cancel-run', 'CancelRunResult'],
  ['renew-leases', 'RenewOutcome'],
  ['restore-run', 'RestoreRunResult'],
  ['restore-end', 'RestoreEndResult'],
  ['rehydrate', 'RehydrateResult'],
  ['fork-conversation', 'ForkResult'],
  ['merge-stored', 'MergeStoredResult'],
  ['expel', 'ExpelResult'],
  ['read-state', 'ReadState'],
  ['delete-message', 'ChangeResult'],
  ['reserve-run', 'ReserveRunResult'],
  ['find-run', 'FindRunResult'],
  ['spend-bytes', 'SpendResult'],
  ['add-grant', 'AddGrantResult'],
  ['use-grant', 'UseGrantResult'],
  ['keep-grant', 'KeepGrantResult'],
  ['put-record', 'PutRecordResult'],
  ['read-records', 'ReadRecordsResult'],
])('the words of %s are those of %s', (name, type) => {
  const script = scripts.find((one) => one.name === name)!;
  // `large` stays inside the run log: the same is asked again on another connection.
  const words = script.outcomes.map((outcome) => outcome.split(' ')[0]!).filter((word) => word !== 'large');
  expect(words.toSorted()).toEqual([...new Set(typeWords(type))].toSorted());
});
