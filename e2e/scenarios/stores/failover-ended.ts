import { randomUUID } from 'node:crypto';
import { call, history, prompt } from '../../harness/commands.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { startReplica } from '../../harness/processes/replica.ts';
import type { Viewer } from '../../harness/viewers/viewer.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { storedText } from '../audit/check.ts';
import { verify } from '../audit/heals.ts';

interface Asked {
  conversationId: string;
  messageId: string;
  runId: string;
  viewers: Viewer[];
}

/** A question to the model that never says the same twice; its answer is known by what the viewers saw. */
const ask = async (stage: Stage, words: number, rate: number, among: Pick<Asked, 'conversationId' | 'viewers'>): Promise<Asked> => {
  const ids = { messageId: randomUUID(), runId: randomUUID() };
  const { conversationId } = among;
  const text = `say ${words} versions at ${rate}`;
  const answer = await prompt(stage.origin, { conversationId, userId: stage.userId, text, ...ids });
  if (answer.status !== 202) throw new Error(`the prompt was answered ${answer.status} ${answer.code}`);
  return { ...among, ...ids };
};
const begin = (stage: Stage) => {
  const conversationId = stage.newConversation();
  return { conversationId, viewers: [stage.watch(conversationId), stage.watchBySse(conversationId)] as Viewer[] };
};
const ended = async ({ viewers, runId }: Asked, deadlineMs = 15_000): Promise<string> => {
  await Promise.all(viewers.map(({ screen }) => screen.until(() => screen.finished.has(runId), deadlineMs, `the end of ${runId}`)));
  return viewers[0]!.screen.finished.get(runId)!.text;
};

/** Shown text = snapshot of every gateway = history = database. */
const stays = async (stage: Stage, asked: Asked, text: string): Promise<void> => {
  const { conversationId, runId } = asked;
  const violations = asked.viewers.flatMap(({ screen }) => screen.violations);
  if (violations.length > 0) throw new Error(violations.join('\n'));
  for (const gateway of stage.cluster.liveGateways()) {
    const late = stage.watch(conversationId, { at: gateway });
    await late.screen.until(() => late.screen.finished.has(runId), 8_000, `${runId} in a snapshot of ${gateway.name}`);
    if (late.screen.finished.get(runId)!.text !== text) throw new Error(`P-1: ${gateway.name} shows another text of ${runId}`);
    late.close();
    const messages = await history(gateway.url, conversationId, stage.userId);
    if (messages.find(({ messageId }) => messageId === runId)?.text !== text) throw new Error(`P-1: the history differs in ${runId}`);
  }
  await waitFor(async () => (await storedText(stage, { ...asked, words: 0, full: '', endings: [] })) === text, {
    deadlineMs: 15_000,
    everyMs: 100,
    what: `${runId} in the database as it was shown`,
  });
};

export const failoverEndedScenarios: Scenario[] = [
  {
    name: 'redis-failover-that-loses-the-ends',
    promise: 'P-1 P-2 W-10 W-11 W-13 L-6 P-9',
    cluster: { proxied: true, audit: true, fakeModel: true },
    deadlineMs: 90_000,
    run: async (stage) => {
      const { redis, wires, fakeModel } = stage.cluster;
      await using replica = await startReplica(redis.nodes[0]!);
      const [early, lateTurn, deleting, whole, running] = Array.from({ length: 5 }, () => begin(stage));
      // Ended long before.
      const before = await Promise.all([early!, lateTurn!, deleting!].map((one) => ask(stage, 20, 200, one)));
      const texts = await Promise.all(before.map((one) => ended(one)));
      // Running when the replica hears for the last time: some of their text is there.
      const cut = await Promise.all(Array.from({ length: 3 }, () => ask(stage, 300, 100, begin(stage))));
      const long = await ask(stage, 1_000, 100, running!);
      await Promise.all(
        [...cut, long].map(({ viewers, runId }) =>
          viewers[0]!.screen.until(() => (viewers[0]!.screen.textOf(runId)?.length ?? 0) > 200, 10_000, 'text'),
        ),
      );
      await replica.caughtUp();
      replica.lag();
      await elapse(stage.random.between(50, 300));

      // The lost tail: three ends, a whole turn in a conversation and one in a new one, a deletion.
      const turn = await ask(stage, 20, 200, lateTurn!);
      const fresh = await ask(stage, 20, 200, whole!);
      const [, , gone] = before;
      const path = `/api/history/${gone!.conversationId}/${gone!.runId}?user_id=${stage.userId}`;
      if ((await call('DELETE', `${stage.origin()}${path}`)).status !== 200) throw new Error('the message was not deleted');
      const lost = [...cut, turn, fresh];
      const shown = await Promise.all(lost.map((one) => ended(one)));
      // It sleeps with what it saw; its cursor is further than the replica is.
      const sleeper = turn.viewers[0]!;
      sleeper.stall();
      // The relay may have had a moment or not: what it lost must come from those who saw it, either way.
      await elapse(stage.random.between(0, 1_500));
      const asked = fakeModel!.asked;

      await redis.nodes[0]!.kill();
      await replica.redis.cli('REPLICAOF', 'NO', 'ONE');
      for (const wire of wires.all) {
        wire.target = replica.redis.port;
        // Gateways find the new master first, and nobody has told it yet what is missing.
        wire.refusing = wire !== wires.gateways;
        wire.cut();
      }
      await elapse(stage.random.between(200, 800));
      for (const wire of wires.ai) wire.refusing = false;
      stage.useRedis(replica.redis);

      await ended(long, 25_000);
      sleeper.unstall();
      sleeper.reload({ cursor: true });
      for (const [index, one] of [...lost, before[0]!, before[1]!].entries())
        await stays(stage, one, [...shown, texts[0]!, texts[1]!][index]!);
      await stays(stage, long, long.viewers[0]!.screen.finished.get(long.runId)!.text);
      await sleeper.screen.until(
        () => sleeper.screen.phase === 'live' && sleeper.screen.messages.has(turn.runId),
        8_000,
        'the sleeper to be up to date',
      );
      // One request for each answer, but for the running one, which may have been begun again.
      const again = fakeModel!.asked - asked;
      if (again > 0) throw new Error(`P-2: the model was asked ${again} more times for answers that had ended or had an owner`);
      const deletedText = async (): Promise<string | undefined> =>
        (await history(stage.origin(), gone!.conversationId, stage.userId)).find(({ messageId }) => messageId === gone!.runId)?.text;
      await waitFor(async () => (await deletedText()) === '', {
        deadlineMs: 12_000,
        everyMs: 100,
        what: 'the deleted message to stay deleted',
      });
      stage.note(`${lost.length} ends lost with the tail came back as shown; verify: ${await verify(stage)}`);
      stage.closeViewers();
    },
  },
  {
    name: 'redis-failover-that-only-the-database-remembers',
    promise: 'P-1 P-2 W-13 L-6',
    cluster: { proxied: true, audit: true, fakeModel: true },
    deadlineMs: 90_000,
    run: async (stage) => {
      const { redis, fakeModel, ai } = stage.cluster;
      await using replica = await startReplica(redis.nodes[0]!);
      // Four seconds each, of which the replica has the first words: it must not have heard of an end.
      const cut = await Promise.all(Array.from({ length: 4 }, () => ask(stage, 400, 100, begin(stage))));
      await Promise.all(
        cut.map(({ viewers, runId }) =>
          viewers[0]!.screen.until(() => (viewers[0]!.screen.textOf(runId)?.length ?? 0) > 200, 10_000, 'text'),
        ),
      );
      await replica.caughtUp();
      replica.lag();
      const shown = await Promise.all(cut.map((one) => ended(one)));
      const isStored = async (one: Asked, text: string): Promise<boolean> =>
        (await storedText(stage, { ...one, words: 0, full: '', endings: [] }).catch(() => undefined)) === text;
      for (const [index, one] of cut.entries())
        await waitFor(() => isStored(one, shown[index]!), { deadlineMs: 15_000, everyMs: 100, what: 'an end in the database' });
      // Nobody reads on, and no pod remembers.
      stage.closeViewers();
      await Promise.all(ai.map((pod) => pod.kill()));
      const { asked } = fakeModel!;

      await stage.promote(replica.redis);
      if ((await stage.runsLeft()) === '') throw new Error('the replica did not lag: nothing runs in it');
      await Promise.all(ai.map((pod) => pod.start()));
      await waitFor(async () => (await stage.runsLeft()) === '', { deadlineMs: 20_000, everyMs: 100, what: 'each run to have ended' });
      for (const [index, one] of cut.entries()) {
        await stays(stage, one, shown[index]!);
        const messages = await history(stage.origin(), one.conversationId, stage.userId);
        const status = messages.find(({ messageId }) => messageId === one.runId)?.status;
        if (status !== 'complete') throw new Error(`P-1: an answer that was complete is ${status}`);
      }
      const again = fakeModel!.asked - asked;
      if (again > 0 || asked !== cut.length)
        throw new Error(`P-2: the model was asked ${asked} and ${again} times for ${cut.length} answers`);
      stage.note(`${cut.length} ends came back from the database; verify: ${await verify(stage)}`);
      stage.closeViewers();
    },
  },
];
