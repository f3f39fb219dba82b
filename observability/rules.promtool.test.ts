import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findPromtool } from '../scripts/promtool.mjs';
import { RULE_TESTS, RULES } from './build.ts';

const promtool = (...args: string[]) => {
  const path = findPromtool();
  if (path === undefined) throw new Error('There is no promtool: node scripts/system.mjs promtool');
  const { status, stdout, stderr } = spawnSync(path, args, { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', timeout: 110_000 });
  return { status, output: stdout + stderr };
};

test('Prometheus takes the rules', () => {
  expect(promtool('check', 'rules', RULES)).toMatchObject({ status: 0 });
});

test('every alert fires on its cause and is silent just below it', () => {
  expect(promtool('test', 'rules', RULE_TESTS)).toMatchObject({ status: 0, output: expect.stringContaining('SUCCESS') });
});
