import { createClient } from '@runnel/client';
import { WebSocket } from 'ws';
import { call } from '../harness/commands.ts';
import { countText } from '../harness/viewers/expected.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { elapse, waitFor } from '../harness/wait.ts';

/** Reads an OpenAI-compatible stream to its end. */
const complete = async (stage: Stage, text: string): Promise<string> => {
  const response = await fetch(`${stage.cluster.gateways[0]!.url}/v1/chat/completions?user_id=${stage.userId}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'count', stream: true, messages: [{ role: 'user', content: text }] }),
  });
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: {'));
  const deltas = lines.map((line) => JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] });
  return deltas.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
};

/** The client that pages use, through what a bad day brings; `close` ends its timers. */
const clientThrough = async (stage: Stage, transport: 'ws' | 'sse', harm: () => Promise<void>): Promise<void> => {
  const client = createClient({
    url: stage.cluster.gateways[0]!.url,
    userId: stage.userId,
    transport,
    WebSocket: WebSocket as unknown as NonNullable<Parameters<typeof createClient>[0]['WebSocket']>,
  });
  try {
    const handle = client.conversation(stage.newConversation());
    const { runId } = handle.prompt('count 400 at 100');
    await waitFor(() => handle.state.get().conversation.run !== null, { deadlineMs: 10_000, what: `the run over ${transport}` });
    await harm();
    const ended = await waitFor(() => handle.state.get().conversation.messages.find(({ messageId }) => messageId === runId), {
      deadlineMs: 25_000,
      what: `the end over ${transport}`,
    });
    const { verified, mismatches } = handle.state.get();
    if (ended.text !== countText(400)) throw new Error(`P-1: ${transport} shows ${ended.text.length} bytes`);
    if (verified === 'mismatch' || mismatches > 0) throw new Error(`W-10: ${transport} had to replace a text`);
  } finally {
    client.close();
  }
};

export const surfaceScenarios: Scenario[] = [
  {
    name: 'openai-stream-through-a-takeover',
    promise: 'P-1 P-4',
    run: async (stage) => {
      const answers = Array.from({ length: 4 }, () => complete(stage, 'count 300 at 100'));
      await elapse(1_000);
      const code = await stage.cluster.ai[0]!.terminate();
      await elapse(500);
      await stage.cluster.ai[1]!.kill().then(() => stage.cluster.ai[0]!.start());
      const texts = await Promise.all(answers);
      const wrong = texts.filter((text) => text !== countText(300)).length;
      stage.note(`${texts.length} streams through a drain (${code}) and a kill`);
      if (wrong > 0) throw new Error(`P-1: ${wrong} of ${texts.length} streams differ`);
    },
  },
  {
    name: 'shipped-client-through-trouble',
    promise: 'P-1 P-2 W-10',
    deadlineMs: 60_000,
    run: async (stage) => {
      const { ai, gateways, redis } = stage.cluster;
      const harm = async (): Promise<void> => {
        await elapse(500);
        await gateways[0]!.kill();
        await gateways[0]!.start();
        await redis.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await ai[0]!.kill();
        await ai[0]!.start();
      };
      await clientThrough(stage, 'ws', harm);
      await clientThrough(stage, 'sse', harm);
    },
  },
  {
    name: 'deleted-while-it-is-written',
    promise: 'P-2 W-13',
    run: async (stage) => {
      const conversationId = stage.newConversation();
      const viewers = [stage.watch(conversationId), stage.watchBySse(conversationId)];
      const first = await stage.startRun({ conversationId, words: 20, rate: 200 });
      await stage.ended(first);
      const second = await stage.startRun({ conversationId, words: 2_000, rate: 100 });
      await stage.shown(second, 10);
      const query = `user_id=${stage.userId}`;
      // A message of before goes, the running answer goes on for everybody.
      const ws = viewers[0] as ReturnType<Stage['watch']>;
      const deleted = await ws.request({ type: 'delete', messageId: first.messageId });
      if (deleted?.type !== 'ok') throw new Error(`delete was answered ${deleted?.code}`);
      await Promise.all(
        viewers.map(({ screen }) => screen.until(() => screen.messages.get(first.messageId)?.status === 'deleted', 3_000, 'the deletion')),
      );
      await stage.shown(second, 100);
      viewers[0]!.reload({ cursor: false });
      await stage.live();
      if (viewers[0]!.screen.messages.get(first.messageId)?.text !== '') throw new Error('a deleted text came back with a reload');
      // The whole conversation goes while its answer is being written.
      const gone = await call('DELETE', `${stage.origin()}/api/history/${conversationId}?${query}`);
      if (gone.status >= 300) throw new Error(`DELETE was answered ${gone.status} ${gone.code}`);
      await Promise.all(
        viewers.map(({ screen }) => screen.until(() => screen.logId === null && screen.run === null, 3_000, 'the empty snapshot')),
      );
      await elapse(1_500);
      stage.expected.runs.clear();
      for (const { screen } of viewers) {
        if (screen.run !== null || screen.messages.size > 0) throw new Error('a deleted conversation came back');
      }
      await stage.startRun({ conversationId, words: 20 });
      await stage.settle();
    },
  },
];
