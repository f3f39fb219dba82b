import { isLoopback } from './auth/loopback.ts';
import fc from 'fast-check';
import { loadConfig, type ConfigError, type Environment } from '@runnel/kit';
import { expect, test } from 'vitest';
import { listenHost } from './config-doors.ts';
import { configSpec } from './config.ts';

const SECRET = 'a-secret-of-at-least-32-characters';
const problems = (env: Environment): readonly string[] => {
  try {
    loadConfig(configSpec, env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};
const hostOf = (env: Environment): string => listenHost(loadConfig(configSpec, env));

test('S-10 AUTH_MODE has no default, and the refusal names both choices', () => {
  expect(problems({ JWT_SECRET: SECRET }).join()).toMatch(/AUTH_MODE is not set.*dev.*jwt/);
});

test('S-10 dev beside keys is refused: somebody believes that tokens are checked', () => {
  expect(problems({ AUTH_MODE: 'dev', JWT_SECRET: SECRET }).join()).toContain('JWT_SECRET');
  expect(problems({ AUTH_MODE: 'dev', JWKS_URL: 'https://id.example.org/keys' }).join()).toContain('JWKS_URL');
});

test('S-10 where nobody proves who they are, others than loopback need DEV_MODE_OPEN', () => {
  expect(hostOf({ AUTH_MODE: 'dev' })).toBe('127.0.0.1');
  expect(hostOf({ AUTH_MODE: 'dev', DEV_MODE_OPEN: 'yes' })).toBe('0.0.0.0');
  expect(hostOf({ AUTH_MODE: 'jwt', JWT_SECRET: SECRET })).toBe('0.0.0.0');
  for (const HOST of ['127.0.0.1', '127.8.9.10', 'localhost', '::1']) expect(problems({ AUTH_MODE: 'dev', HOST })).toEqual([]);
  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'box.example', '127.0.0.1.example']) {
    expect(problems({ AUTH_MODE: 'dev', HOST }), HOST).toHaveLength(1);
    expect(problems({ AUTH_MODE: 'dev', HOST, DEV_MODE_OPEN: 'yes' }), HOST).toEqual([]);
  }
});

test('S-10 no address of another network counts as loopback', () => {
  fc.assert(fc.property(fc.ipV4(), (ip) => isLoopback(ip) === ip.startsWith('127.')));
  fc.assert(fc.property(fc.ipV6(), (ip) => !isLoopback(ip) || /^[0:]*1$|127\./.test(ip)));
});
