import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isKeyName, keyName, type KeyName } from '../../packages/coordination/src/redis/keys.ts';
import { root } from '../lib/command.ts';

const REDIS = join(root, 'packages/coordination/src/redis');
const source = readFileSync(join(REDIS, 'keys.ts'), 'utf8');
const names = [...source.matchAll(/^ {2}(\w+): \(k?\)? ?=> |^ {2}(\w+): \(k\) => /gm)].map(([, one, other]) => (one ?? other) as KeyName);
const keys = names.filter((name) => !name.endsWith('Prefix'));

interface Said {
  /** `hash`, `zset`, `stream`, `string` or `channel`. */
  type: string;
  life: string;
  holds: string;
}

/** The comment of each key: `type, life: what it holds`. */
const said = new Map<string, Said>(
  [...source.matchAll(/\/\*\* ([a-z]+), ([^:\n]+): ([^\n]*) \*\/\n {2}(\w+):/g)].map(([, type, life, holds, name]) => [
    name!,
    { type: type!, life: life!, holds: holds! },
  ]),
);

const shown = (name: KeyName): string =>
  keyName(name, { shard: 17, conversationId: '<id>', runId: '<runId>', userId: 'user', name: '<name>' })
    .replace('{user}', '{<user>}')
    .replace('{%3Cname%3E}', '{<name>}');
const row = (name: KeyName): string => {
  const { type, life, holds } = said.get(name) ?? { type: '?', life: '?', holds: '?' };
  return `| \`${shown(name)}\` | ${type}, ${life} | ${holds.replaceAll('|', '\\|')} |`;
};

test('the table of keys in ARCHITECTURE.md has every key and channel of keys.ts, with type, life and content', () => {
  const [, table = ''] = /^\| key \| type, life \| holds \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)/m.exec(
    readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'),
  )!;
  expect(keys.length).toBeGreaterThan(25);
  expect(names.every(isKeyName)).toBe(true);
  expect(table.trimEnd().split('\n')).toEqual(keys.map(row));
});

const COMMANDS: Record<string, RegExp> = {
  hash: /^H/,
  zset: /^Z/,
  stream: /^X/,
  channel: /^SPUBLISH$/,
  string: /^(?:GET|SET|APPEND|STRLEN|GETRANGE)$/,
};
const OF_ANY_TYPE = /^(?:DEL|UNLINK|EXISTS|PEXPIRE|PERSIST|PTTL|TYPE|DUMP|RESTORE)$/;

test('each Lua script uses a key as its type says', () => {
  const scripts = globSync('lua/**/*.lua', { cwd: REDIS });
  const calls = scripts.flatMap((script) =>
    [...readFileSync(join(REDIS, script), 'utf8').matchAll(/redis\.p?call\('([A-Z]+)', (\w+)[,)]/g)].map(([, command, key]) => ({
      script,
      command: command!,
      key: key!,
    })),
  );
  const ofKeys = calls.filter(({ key, command }) => said.has(key) && !OF_ANY_TYPE.test(command));
  expect(ofKeys.length).toBeGreaterThan(150);
  expect(ofKeys.filter(({ key, command }) => !COMMANDS[said.get(key)!.type]!.test(command))).toEqual([]);
});
