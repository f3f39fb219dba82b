import { loadConfig } from '@runnel/kit';
import { expect, test } from 'vitest';
import { configSpec } from '../config.ts';
import { personLimits } from './settings.ts';

const limitsOf = (env: Record<string, string>) => personLimits(loadConfig(configSpec, env));
const JWT = { AUTH_MODE: 'jwt', JWT_SECRET: '9f86d081884c7d659a2feaa0c55ad015' };

test('S-7 a person that a token proves has limits; a name that anybody may take has those that were set', () => {
  expect(limitsOf(JWT)).toMatchObject({
    maxRunsPerUser: 32,
    maxSocketsPerUser: 100,
    maxFollowsPerUser: 2_000,
    maxCommandsPerMinute: 1_200,
  });
  expect(new Set(Object.values(limitsOf({ AUTH_MODE: 'dev' })))).toEqual(new Set([0]));
  expect(limitsOf({ AUTH_MODE: 'dev', MAX_RUNS_PER_USER: '2' })).toMatchObject({ maxRunsPerUser: 2, maxSocketsPerUser: 0 });
  expect(limitsOf({ ...JWT, MAX_RUNS_PER_USER: '0' })).toMatchObject({ maxRunsPerUser: 0, maxSocketsPerUser: 100 });
});
