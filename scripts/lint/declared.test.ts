import { describe, expect, test } from 'vitest';
import { undeclaredProblem, type Manifest } from './declared.ts';

const MANIFESTS: Record<string, Manifest> = {
  '': { name: 'runnel', devDependencies: { vitest: '1', vite: '1' } },
  'services/ai': { name: '@runnel/ai', dependencies: { fastify: '1', '@runnel/kit': '*' }, devDependencies: { jose: '1' } },
  'packages/vue': { name: '@runnel/vue', peerDependencies: { vue: '3' } },
};
const problem = (file: string, specifier: string) => undeclaredProblem(file, specifier, (part) => MANIFESTS[part]!);

describe('what is declared', () => {
  test.each([
    ['services/ai/src/app.ts', 'fastify'],
    ['services/ai/src/app.ts', 'fastify/lib/x.js'],
    ['services/ai/src/app.ts', '@runnel/kit'],
    ['services/ai/src/app.ts', 'node:fs'],
    ['services/ai/src/app.ts', './worker.ts'],
    ['services/ai/src/app.test.ts', 'vitest'],
    ['services/ai/src/testing/fake.ts', 'jose'],
    ['services/ai/src/app.test.ts', '@runnel/coordination/testing'],
    ['packages/vue/src/index.ts', 'vue'],
    ['scripts/build.ts', 'vite'],
    ['loadtest/stream.ts', 'k6/http'],
  ])('%s may import %s', (file, specifier) => expect(problem(file, specifier)).toBeNull());
});

describe('what is there by luck', () => {
  test.each([
    ['services/ai/src/app.ts', 'pino'],
    ['services/ai/src/app.ts', '@runnel/protocol'],
    ['services/ai/src/app.ts', 'jose'],
    ['services/ai/src/app.ts', 'vitest'],
    ['services/ai/src/app.test.ts', 'pg'],
    ['scripts/build.ts', 'pg'],
  ])('%s may not import %s', (file, specifier) => expect(problem(file, specifier)).toMatch(/package\.json does not declare/));
});
