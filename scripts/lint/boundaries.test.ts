import { describe, expect, test } from 'vitest';
import { boundaryProblem, partOf } from './boundaries.ts';

describe('what may be imported', () => {
  test.each([
    ['services/gateway/src/follow/hub.ts', '@runnel/protocol'],
    ['services/gateway/src/follow/hub.ts', '@runnel/coordination'],
    ['services/gateway/src/follow/hub.ts', './outbox.ts'],
    ['services/standalone/src/main.ts', '@runnel/gateway'],
    ['services/standalone/src/main.ts', '@runnel/kit'],
    ['packages/client/src/connection/connection.ts', '@runnel/protocol'],
    ['packages/coordination/src/redis/client.ts', 'ioredis'],
    ['packages/coordination/test/run-log.redis.test.ts', '@runnel/kit'],
    ['packages/kit/src/log.ts', 'node:fs'],
    ['web/src/main.ts', '@runnel/client'],
    ['web/src/main.ts', 'vue'],
    ['web/src/stores/chat.ts', '@runnel/vue'],
    ['packages/vue/src/conversation.ts', 'vue'],
    ['packages/vue/src/conversation.ts', '@runnel/client'],
    ['web/test/chat.browser.test.ts', '@runnel/gateway'],
    ['e2e/run.ts', '@runnel/client'],
    ['scripts/docs.ts', '../services/ai/src/config.ts'],
  ])('%s may import %s', (file, specifier) => {
    expect(boundaryProblem(file, specifier)).toBeNull();
  });
});

describe('what may not be imported', () => {
  test.each([
    ['services/gateway/src/follow/hub.ts', '@runnel/ai', /a service never imports a service/],
    ['services/gateway/src/follow/hub.ts', '../../../ai/src/app.ts', /by its package name/],
    ['services/gateway/src/follow/hub.ts', 'ioredis', /only packages\/coordination/],
    ['services/gateway/src/follow/hub.ts', '@runnel/client', /may import only/],
    ['packages/kit/src/log.ts', '@runnel/protocol', /imports no package of ours/],
    ['packages/protocol/src/merge.ts', '@runnel/kit', /imports no package of ours/],
    ['packages/client/src/connection/connection.ts', '@runnel/coordination', /may import only protocol/],
    ['packages/client/src/connection/connection.ts', 'vue', /only web, packages\/vue may know vue/],
    ['packages/client/src/connection/connection.ts', '@runnel/vue', /may import only protocol/],
    ['packages/events/src/relay.ts', '../../coordination/src/keys.ts', /by its package name/],
    ['services/ai/src/runs/worker.ts', 'kafkajs/src/index.js', /may know kafkajs/],
  ])('%s may not import %s', (file, specifier, reason) => {
    expect(boundaryProblem(file, specifier)).toMatch(reason);
  });
});

test('a file outside the parts belongs to none', () => {
  expect(partOf('scripts/run.mjs')).toBeNull();
  expect(partOf('services/ai/src/app.ts')).toBe('services/ai');
});
