import { randomUUID } from 'node:crypto';
import { shardOf } from '@runnel/coordination';
import type { Scenario } from '../../harness/scenario.ts';

export const waitingScenarios: Scenario[] = [
  {
    name: 'trust-half-answers-before-a-queue-of-poison',
    promise: 'B7 P-4',
    cluster: { gateways: 1, ai: 2, aiEnv: { MAX_RUNS: '12' } },
    deadlineMs: 90_000,
    run: async (stage) => {
      const { cluster } = stage;
      const [first, second] = [cluster.ai[0]!, cluster.ai[1]!];
      const runs = [];
      for (let i = stage.random.between(4, 8); i > 0; i--) {
        const conversationId = stage.newConversation();
        stage.watch(conversationId);
        runs.push(await stage.startRun({ conversationId, words: 900, rate: 100 }));
      }
      await Promise.all(runs.map((run) => stage.shown(run, 20)));
      // Prompts that no pod can take wait in every shard: their model went away with the pods that had it.
      const poison = stage.random.between(100, 250);
      for (let i = 0; i < poison; i++) {
        const id = `poison-${randomUUID()}`;
        await cluster.redis.cli('EVAL', QUEUE_POISON, '0', id, String(shardOf(id)));
      }
      const owners = await Promise.all(runs.map((run) => stage.ownerOf(run)));
      const dying = owners.filter((pod) => pod === first).length >= owners.length / 2 ? first : second;
      const moved = runs.filter((_, i) => owners[i] === dying);
      const killedAt = performance.now();
      await dying.kill();
      const late: number[] = [];
      await Promise.all(
        moved.map(async (run) => {
          const viewer = stage.viewers.find(({ conversationId }) => conversationId === run.conversationId)!;
          await viewer.screen.until(() => viewer.screen.stats.moves > 0, 8_000, `run ${run.runId} to move past ${poison} waiting prompts`);
          late.push(performance.now() - killedAt);
        }),
      );
      stage.note(`${moved.length} half answers moved past ${poison} prompts in ${Math.round(Math.max(0, ...late))} ms`);
      await Promise.all(runs.map((run) => stage.ended(run, 30_000)));
      // A new prompt is answered too, though the poison is older.
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      await stage.ended(await stage.startRun({ conversationId, words: 5, rate: 100 }), 10_000);
      await cluster.redis.cli('EVAL', CLEAR_POISON, '0');
      await dying.start();
      await stage.settle({ deadlineMs: 30_000 });
    },
  },
];

/** A run of 0.1.0's layout whose model no pod has, older than every real prompt. */
const QUEUE_POISON = `
local id, shard = ARGV[1], ARGV[2]
local tag = '{' .. shard .. '}:' .. id
redis.call('HSET', 'chat:meta:' .. tag, 'logId', 'poison', 'offset', 0, 'userId', 'gone', 'title', 'x', 'active', 'r')
redis.call('HSET', 'streaming:active:' .. tag .. ':r', 'status', 'running', 'parentId', '', 'model', 'gone-model', 'startedAt', 1)
redis.call('HSET', 'session:owner:' .. tag, 'runId', '', 'owner', '', 'epoch', 0, 'expires', 0)
redis.call('ZADD', 'runs:queued:{' .. shard .. '}', 1, id .. ':r')
return 1`;

const CLEAR_POISON = `
for _, key in ipairs(redis.call('KEYS', '*poison-*')) do redis.call('DEL', key) end
for shard = 0, 63 do
  local queue = 'runs:queued:{' .. shard .. '}'
  for _, member in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    if string.find(member, 'poison-', 1, true) then redis.call('ZREM', queue, member) end
  end
end
return 1`;
