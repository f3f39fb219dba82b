import { expect, test } from 'vitest';
import { scriptsOf, testsNamed, testsThatRun } from './lua-coverage.ts';

const SOURCES = new Map([
  ['run/end-run.lua', '-- @include emit\nreturn 1'],
  ['run/find-run.lua', 'return 1'],
  ['include/emit.lua', '  -- @include json\nlocal x'],
  ['include/json.lua', 'local y'],
]);

test('a part is part of all that include it, through others as well', () => {
  expect([...scriptsOf('run/find-run.lua', SOURCES)]).toEqual(['find-run']);
  expect([...scriptsOf('include/json.lua', SOURCES)].toSorted()).toEqual(['emit', 'end-run', 'json']);
});

test('only a test that runs a script can notice what was done to it', () => {
  const coverage = { a: ['end-run', 'find-run'], b: ['find-run'], c: [] };
  expect([...testsThatRun(scriptsOf('include/json.lua', SOURCES), coverage)]).toEqual(['a']);
  expect([...testsThatRun(scriptsOf('run/find-run.lua', SOURCES), coverage)]).toEqual(['a', 'b']);
});

test('of tests that are named those alone are asked', () => {
  const coverage = { 'redis > parts > P-1 a': ['end-run'], 'redis > runs > b': ['end-run'] };
  expect(testsNamed('> parts >|c', coverage)).toEqual({ 'redis > parts > P-1 a': ['end-run'] });
  expect(testsNamed(undefined, coverage)).toEqual(coverage);
});
