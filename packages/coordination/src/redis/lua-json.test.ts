import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, 'lua');
const files = globSync('**/*.lua', { cwd: FOLDER }).toSorted();

/** Ids that the border has checked: letters, digits, `_` and `-`. */
const IDS = ['conversationId', 'runId', 'messageId', 'partId'];
/** Whole numbers that scripts make as text (`now`, `string.format('%.0f', …)`), and what `cjson.encode` or `json` made. */
const MADE = ['now', 'position', 'parentId', 'model', 'content', 'bytes', 'after'];
/** JSON that came whole and was decoded before the first write of its script. */
const DECODED: Record<string, string[]> = {
  'run/end-run.lua': ['usage', 'failure', 'shown', 'sum', 'part[4]', 'string.sub(part[5], 2)'],
  'restore/restore-run.lua': ['message[2]', 'table.concat(part, ",")', 'part[1]', 'part[6]', 'string.sub(fact, 2)'],
  'include/thread/say.lua': ['files', 'string.sub(message, 1, -2)', 'string.sub(fact, 2)'],
  'part/put-part.lua': ['part', 'string.sub(facts, 2)'],
  'part/decide-part.lua': ['part', 'string.sub(facts, 2)'],
  'part/park-run.lua': ['partIds', 'used'],
  'restore/restore-end.lua': ['earlier[2]', 'string.sub(ended, 2, -2)'],
  'conversation/fork-conversation.lua': ['source', 'message[4]', 'string.sub(fact, 2)'],
  'conversation/set-preset.lua': ['told'],
  'include/emit.lua': ['fields'],
  'include/told.lua': ['data', 'version'],
};
const CALLS = ['json', 'cjson.encode', 'figure', 'tostring'];

const TOKEN = /'(?:[^'\\\n]|\\.)*'|[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*|\d+(?:\.\d+)?|\.\.|[=~<>]=|[^\s\w]/g;
const OPEN: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
const isName = (token = ''): boolean => /^[A-Za-z_]/.test(token) && !['and', 'or', 'not', 'then', 'do', 'end', 'return'].includes(token);

/** Where the value that begins at a token ends: a name with its calls and indexes, a string, something in brackets. */
const valueEnd = (tokens: readonly string[], start: number): number => {
  const closing = (at: number): number => {
    for (let i = at + 1, depth = 1; i < tokens.length; i++) {
      if (tokens[i]! in OPEN) depth++;
      else if (Object.values(OPEN).includes(tokens[i]!) && --depth === 0) return i + 1;
    }
    return tokens.length;
  };
  let end = tokens[start]! in OPEN ? closing(start) : start + 1;
  while (isName(tokens[start]) && (tokens[end] === '(' || tokens[end] === '[')) end = closing(end);
  if (tokens[start] === '#') end = valueEnd(tokens, start + 1);
  return end;
};

/** Every `a .. b .. c` of a script as the tokens of its parts. */
const chainsOf = (lua: string): string[][][] => {
  const tokens = lua.replaceAll(/--.*$/gm, '').match(TOKEN) ?? [];
  const chains: string[][][] = [];
  for (let i = 0; i < tokens.length; i++) {
    const before = tokens[i - 1] ?? '';
    const isCall = tokens[i]! in OPEN && (isName(before) || before === ')' || before === ']');
    const begins = isName(tokens[i]) || /^['\d#(]/.test(tokens[i]!);
    let end = valueEnd(tokens, i);
    if (!begins || isCall || before === '..' || before === '#' || tokens[end] !== '..') continue;
    const chain = [tokens.slice(i, end)];
    while (tokens[end] === '..') {
      const next = valueEnd(tokens, end + 1);
      chain.push(tokens.slice(end + 1, next));
      end = next;
    }
    chains.push(chain);
  }
  return chains;
};

const isJson = (chain: readonly string[][]): boolean => chain.some(([first = '']) => first.startsWith("'") && first.includes('"'));

/** Names that are given a piece of JSON made here: their own making was looked at. */
const piecesOf = (lua: string): string[] =>
  [...lua.matchAll(/^ *(?:local )?(\w+) = (?=.*'[^']*"[^']*')/gm)].map(([, variable = '']) => variable).concat('ended', 'cancelled');

/** The values of `a and b or c`, each of which may be a chain; what is only asked (`parts > 1`) is none. */
const choices = (tokens: readonly string[]): string[][] => {
  const values: string[][] = [[]];
  for (const token of tokens) {
    if (token === 'and') values[values.length - 1] = [];
    else if (token === 'or' || token === '..') values.push([]);
    else values.at(-1)!.push(token);
  }
  return values;
};

/** What stands in JSON without having been encoded. */
const unsafe = (file: string, lua: string): string[] => {
  const decoded = (DECODED[file] ?? []).map((value) => (value.replaceAll('"', "'").match(TOKEN) ?? []).join(' '));
  const safe = [...IDS, ...MADE, ...piecesOf(lua)];
  const isSafe = (part: readonly string[]): boolean => {
    const [first = ''] = part;
    if (first.startsWith("'") || /^\d/.test(first) || first === '#') return true;
    // A choice: each of its values.
    if (first === '(') return choices(part.slice(1, -1)).every(isSafe);
    if (part.length === 1) return safe.includes(first) || decoded.includes(first);
    if (part[1] === '(' && CALLS.includes(first) && valueEnd(part, 0) === part.length) return true;
    return decoded.includes(part.join(' '));
  };
  return chainsOf(lua)
    .filter(isJson)
    .flatMap((chain) => chain.filter((part) => !isSafe(part)).map((part) => part.join(' ')));
};

test.each(files)('S-2 %s joins nothing into JSON that was not encoded, checked, or made as a number', (file) => {
  expect(unsafe(file, readFileSync(join(FOLDER, file), 'utf8'))).toEqual([]);
});

test('S-2 the lint sees what it is for', () => {
  for (const part of [
    'role',
    'ARGV[2]',
    'record[4]',
    'epoch',
    "string.match(wanted, '^%d+')",
    "redis.call('GET', text)",
    "(held[2] or '0')",
  ]) {
    const found = unsafe('x.lua', `local event = '{"a":"' .. json(b) .. ${part} .. '"}'`);
    expect(found).toHaveLength(1);
  }
  expect(unsafe('x.lua', `emit('title', ',"title":' .. title)`)).toEqual(['title']);
  expect(unsafe('x.lua', `emit('title', ',"title":' .. cjson.encode(title) .. ',"runId":"' .. runId .. '"')`)).toEqual([]);
  expect(unsafe('x.lua', `local member = conversationId .. ':' .. role`)).toEqual([]);
});

test('S-2 names that count as made are made by an encoder or as a number', () => {
  for (const file of files) {
    const lua = readFileSync(join(FOLDER, file), 'utf8');
    for (const name of ['position', 'content', 'now']) {
      for (const [, value = ''] of lua.matchAll(new RegExp(`^ *local (?:[\\w, ]+, )?${name} = (.*)$`, 'gm'))) {
        if (!value.includes('ARGV['))
          expect([file, value]).toEqual([file, expect.stringMatching(/^(cjson\.encode|json|tonumber|string\.format\('%\.0f')/)]);
      }
    }
  }
});
