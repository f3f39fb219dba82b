import { addDocumentedUser, refusedTo } from '@runnel/coordination/testing';
import { call } from '../../harness/commands.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { waitFor } from '../../harness/wait.ts';
import { underWay } from '../ai-pods.ts';
import { checkAudit } from '../audit/check.ts';

const nothingRefused = async ({ cluster }: Stage): Promise<void> => {
  const refused = [...new Set(await refusedTo(cluster.redis.nodes))];
  if (refused.length > 0) throw new Error(`Redis refused ${refused.join('; ')}`);
};

/** What has budgets and secrets of its own in Redis. */
const everythingElse = async (stage: Stage): Promise<void> => {
  const at = (path: string): string => `${stage.origin()}${path}?user_id=${stage.userId}`;
  const made = await call('POST', at('/api/keys'), { name: 'of the scenario', scopes: ['chat'] });
  if (made.status !== 201) throw new Error(`a key was answered ${made.status} ${made.code}`);
  for (const path of ['/api/keys', '/api/conversations', '/api/me']) {
    const { status, code } = await call('GET', at(path));
    if (status !== 200) throw new Error(`${path} was answered ${status} ${code}`);
  }
};

/** Everything the services do in a day: answers, a killed AI pod, a drain, a stored trail. */
const day = async (stage: Stage): Promise<void> => {
  const runs = await underWay(stage, 4, { words: 300, rate: 100 });
  await (await stage.ownerOf(runs[0]!)).kill();
  await everythingElse(stage);
  await stage.settle();
  await checkAudit(stage);
  await nothingRefused(stage);
};

const LIMITS = {
  MAX_COMMANDS_PER_MINUTE: '10000',
  MAX_SEARCHES_PER_MINUTE: '10000',
  MAX_RUNS_PER_USER: '100',
  MAX_BYTES_PER_USER_DAY: '100000000',
};

export const redisUserScenarios: Scenario[] = [
  {
    name: 'redis-user-of-the-documents',
    promise: 'P-1 P-4 P-9 R-1',
    deadlineMs: 60_000,
    cluster: { redisUser: true, audit: true, gatewayEnv: LIMITS },
    run: day,
  },
  {
    name: 'redis-cluster-user-of-the-documents',
    promise: 'P-1 P-4 P-9 R-1',
    deadlineMs: 60_000,
    cluster: { redisUser: true, redisCluster: true, audit: true, gatewayEnv: LIMITS },
    run: day,
  },
  {
    // As docs/operations.md says: a second user, every pod restarted with it, the first one removed.
    name: 'redis-password-rotated',
    promise: 'P-1 P-2 P-9 R-2',
    deadlineMs: 180_000,
    cluster: { redisUser: true, audit: true },
    run: async (stage) => {
      const { redis, ai, gateways, audit } = stage.cluster;
      await underWay(stage, 3, { words: 800, rate: 100 });
      const url = await addDocumentedUser(redis.nodes, redis.url, 'runnel2');
      for (const pod of [...ai, ...gateways, audit!]) {
        const code = await pod.terminate();
        if (code !== 0) throw new Error(`${pod.name} ended with ${code}`);
        pod.spec.env['REDIS_URL'] = url;
        await pod.start();
      }
      for (const node of redis.nodes) await node.cli('ACL', 'DELUSER', 'runnel');
      const users = async (): Promise<string> => String(await redis.nodes[0]!.cli('CLIENT', 'LIST'));
      await waitFor(async () => !/user=runnel /.test(await users()), { deadlineMs: 5_000, everyMs: 50, what: 'nobody is the old user' });
      await stage.settle();
      await checkAudit(stage);
      await nothingRefused(stage);
    },
  },
];
