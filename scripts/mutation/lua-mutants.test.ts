import { expect, test } from 'vitest';
import { mutantsOf, nameOf } from './lua-mutants.ts';

const LUA = `-- if this then
local used = redis.call('GET', key)
if used > 3 then
  return { 'full' }
elseif not used then
  redis.call('SET', key, 1)
end
emit('x', '')`;

test('every check is forced both ways, every bound is moved, every write is left out', () => {
  const found = mutantsOf('x.lua', LUA).map(({ line, change }) => `${line} ${change}`);
  expect(found).toEqual(['3 never', '3 always', '3 > becomes >=', '5 never', '5 always', '6 left out', '8 left out']);
});

test('a mutant differs from its script in the one line', () => {
  for (const { lua, line } of mutantsOf('x.lua', LUA)) {
    const differing = lua.split('\n').flatMap((text, index) => (text === LUA.split('\n')[index] ? [] : [index + 1]));
    expect(differing).toEqual([line]);
  }
});

test('a reason for one line is none for another of the same words', () => {
  const names = mutantsOf('x.lua', `${LUA}\n${LUA}`).map(nameOf);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("x.lua: emit('x', ''): left out (2)");
});
