import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prompt } from '../../../harness/commands.ts';
import type { Scenario } from '../../../harness/scenario.ts';
import type { Stage } from '../../../harness/stage.ts';
import { Stranger } from '../../../harness/viewers/stranger.ts';
import { waitFor } from '../../../harness/wait.ts';
import { boundsAtOnce, cancelStorm, everythingAtOnce, oneKeyAtOnce } from './races.ts';
import { ODD_REQUESTS, statusesIn } from './requests.ts';
import { broken, BROKEN_FRAMES, halfOpen, raw } from './wires.ts';

const FILES = join(tmpdir(), `runnel-e2e-files-${process.pid}`);
const MOST = { keys: 5, files: 6 };
const DRAIN_SECONDS = 4;

/** Somebody reads a long answer beside the attack: the process lives, and each of their words comes. */
const beside = async (stage: Stage, attack: () => Promise<void>): Promise<void> => {
  const conversationId = stage.newConversation();
  stage.watch(conversationId, { at: stage.cluster.gateways[0]! });
  const run = await stage.startRun({ conversationId, words: 600, rate: 60 });
  await stage.shown(run, 5, 20_000);
  const { pid } = stage.cluster.gateways[0]!;
  await attack();
  if (!stage.cluster.gateways[0]!.alive || stage.cluster.gateways[0]!.pid !== pid) throw new Error('P-8: the gateway died');
  await stage.settle({ deadlineMs: 90_000 });
};

/** Bytes that no client sends, each on a connection of its own. */
const oddBytes = async (stage: Stage): Promise<void> => {
  const gateway = stage.cluster.gateways[0]!;
  for (const [what, make] of Object.entries(BROKEN_FRAMES)) {
    const answer = await broken(gateway, make());
    if (!answer.startsWith('HTTP/1.1 101')) throw new Error(`${what}: no upgrade: ${answer.slice(0, 200)}`);
    if (/sec-websocket-extensions/i.test(answer)) throw new Error(`${what}: S-4: compression was agreed to`);
  }
  const seen = new Map<number, number>();
  for (const [what, bytes] of Object.entries(ODD_REQUESTS)) {
    const answer = await raw(gateway, Buffer.from(bytes, 'latin1'), 6_000);
    const statuses = statusesIn(answer);
    for (const status of statuses) seen.set(status, (seen.get(status) ?? 0) + 1);
    const fault = statuses.find((status) => status >= 500 && status !== 501 && status !== 505);
    if (fault !== undefined) throw new Error(`P-8: ${what}: ${answer.slice(0, 300)}`);
    // Another name in the address than `user_id` names nobody: whoever asks so is a guest.
    if (what === 'two people in an address' && statuses.includes(200)) throw new Error(`S-1: ${what}: ${answer.slice(-300)}`);
    if (/^a person/.test(what) && /"userId":"(?!guest-)/.test(answer)) throw new Error(`S-1: ${what}: ${answer.slice(-300)}`);
    if (what.startsWith('a length and') && /"userId"/.test(answer)) throw new Error(`S-4: ${what}: ${answer.slice(-300)}`);
  }
  stage.note([...seen].map(([status, n]) => `${n} × ${status}`).join(', '));
};

/** Many conversations of one person in one shard: another person's there waits no longer than in a shard of its own. */
const oneShard = async (stage: Stage): Promise<void> => {
  const mallory = new Stranger('mallory', stage.origin, stage.random.fork());
  const bob = new Stranger('bob', stage.origin, stage.random.fork());
  const keyOf = async (id: string): Promise<string> =>
    String(await stage.cluster.redis.cli('EVAL', `return redis.call('KEYS', 'chat:meta:*:' .. ARGV[1])[1] or ''`, '0', id));
  const asked = async ({ userId }: Stranger, conversationId: string, text: string): Promise<string> => {
    const answer = await prompt(stage.origin, { conversationId, userId, text }, 60_000);
    if (answer.status !== 202) throw new Error(`${conversationId}: ${answer.status} ${answer.code}`);
    return /\{(\d+)\}/.exec(await keyOf(conversationId))![1]!;
  };
  const shard = await asked(bob, stage.newConversation(), 'count 1');
  let inIt = 0;
  for (let i = 0; i < 600 && inIt < 10; i += 50) {
    const shards = await Promise.all(
      Array.from({ length: 50 }, (_, n) => asked(mallory, `m-${i + n}-${randomUUID().slice(0, 8)}`, 'count 1')),
    );
    inIt += shards.filter((one) => one === shard).length;
  }
  for (let i = 0; i < 5; i++) {
    const conversationId = stage.newConversation();
    await asked(bob, conversationId, 'count 2');
    await waitFor(async () => (await bob.http('GET', `/api/history/${conversationId}`)).includes('"assistant"'), {
      deadlineMs: 30_000,
      everyMs: 100,
      what: `bob's answer ${i}`,
    });
  }
  const list = await mallory.http('GET', '/api/conversations?limit=200');
  if (!list.startsWith('200')) throw new Error(`a long list: ${list.slice(0, 200)}`);
  stage.note(`${inIt} of mallory's conversations in the shard of bob's`);
};

export const unnamedScenarios: Scenario[] = [
  {
    name: 'trust-bytes-that-no-client-sends',
    promise: 'S-4 P-1 P-8',
    cluster: { gateways: 1, ai: 1 },
    deadlineMs: 240_000,
    run: (stage) => beside(stage, () => oddBytes(stage)),
  },
  {
    name: 'trust-everything-at-once',
    promise: 'P-1 P-2 L-2 W-4',
    cluster: {
      gateways: 2,
      ai: 2,
      audit: true,
      gatewayEnv: { FILES_URL: `file:${FILES}`, FILES_MAX_COUNT: String(MOST.files), MAX_API_KEYS_PER_USER: String(MOST.keys) },
    },
    deadlineMs: 300_000,
    run: async (stage) => {
      try {
        await everythingAtOnce(stage);
        await cancelStorm(stage);
        await oneKeyAtOnce(stage);
        await boundsAtOnce(stage, MOST);
        await oneShard(stage);
        await stage.settle();
      } finally {
        await rm(FILES, { recursive: true, force: true });
      }
    },
  },
  {
    name: 'trust-drain-past-half-open-connections',
    promise: 'P-1 P-8',
    cluster: { gateways: 2, ai: 1, gatewayEnv: { DRAIN_SECONDS: String(DRAIN_SECONDS) } },
    deadlineMs: 120_000,
    run: async (stage) => {
      const gateway = stage.cluster.gateways[0]!;
      const conversationId = stage.newConversation();
      stage.watch(conversationId, { first: gateway });
      const run = await stage.startRun({ conversationId, words: 900, rate: 60 });
      await stage.shown(run, 5, 20_000);
      const leave = await halfOpen(gateway, 60);
      const code = await gateway.terminate({ deadlineMs: (DRAIN_SECONDS + 20) * 1_000 });
      if (code !== 0) throw new Error(`a gateway that drains past dead connections ended with ${code}`);
      leave();
      await stage.settle({ deadlineMs: 60_000 });
    },
  },
];
