import { createHash } from 'node:crypto';
import OpenAI from 'openai';
import { cancel } from '../../harness/commands.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { countText, type ExpectedRun } from '../../harness/viewers/expected.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { balancedFetch, dialectScenario, throughStaleBalancer, type DialectForm } from './reader.ts';

const clientOf = (stage: Stage): OpenAI =>
  new OpenAI({
    baseURL: `${stage.origin()}/v1`,
    apiKey: 'any',
    maxRetries: 0,
    fetch: balancedFetch(stage),
    defaultQuery: { user_id: stage.userId },
  });

/** What a gateway that is killed in mid-answer leaves: a broken connection, or no connection. */
const isBreak = (error: unknown): boolean => {
  if (!(error instanceof OpenAI.APIError)) return true;
  return error.status === undefined ? error.code !== 'cancelled' : error.status >= 500;
};

const TERMINAL = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/** Reads a response by its events, comes back with the number of the last one, and sometimes forgets it all. */
const readResponse: DialectForm['read'] = async (stage, { conversationId, runId }: ExpectedRun, { reloads }) => {
  const client = clientOf(stage);
  let text = '';
  let last: number | undefined;
  for (;;) {
    const most = reloads ? stage.random.between(1, 40) : Infinity;
    let isReloaded = false;
    try {
      const query = { stream: true as const, ...(last !== undefined && { starting_after: last }) };
      let seen = 0;
      for await (const event of await client.responses.retrieve(`resp_${conversationId}.${runId}`, query)) {
        if (last !== undefined && event.sequence_number <= last) throw new Error(`event ${event.sequence_number} came behind ${last}`);
        last = event.sequence_number;
        if (event.type === 'response.output_text.delta') text += event.delta;
        if (TERMINAL.has(event.type)) return text;
        isReloaded = ++seen >= most;
        if (isReloaded) break;
      }
    } catch (error) {
      if (!isBreak(error)) throw error;
      await elapse(100);
    }
    // Seldom: an answer is so many events that one who forgets at each second break is never through.
    if (isReloaded && stage.random.chance(0.2)) [text, last] = ['', undefined];
  }
};

export const responsesScenario = dialectScenario('responses', [{ name: 'starting_after', read: readResponse }]);

interface Asked {
  conversationId: string;
  runId: string;
  text: string;
}

/** Asks until there is a whole answer: a retry has the key of the first try. */
const ask = async (
  stage: Stage,
  prompt: string,
  conversationId: string,
  options: { key: string; slow?: boolean; begun?: (runId: string) => void },
): Promise<Asked> => {
  const client = clientOf(stage);
  for (;;) {
    try {
      const headers = { 'idempotency-key': options.key, 'x-runnel-conversation': conversationId };
      const body = { model: 'count', messages: [{ role: 'user' as const, content: prompt }], stream: true as const };
      const { data, response } = await client.chat.completions.create(body, { headers }).withResponse();
      const runId = response.headers.get('x-runnel-run')!;
      options.begun?.(runId);
      let text = '';
      let finish: string | null = null;
      for await (const chunk of data) {
        text += chunk.choices[0]?.delta.content ?? '';
        finish = chunk.choices[0]?.finish_reason ?? finish;
        if (options.slow && stage.random.chance(0.05)) await elapse(200);
      }
      if (finish !== null) return { conversationId, runId, text };
    } catch (error) {
      if (!isBreak(error)) throw error;
    }
    await elapse(100);
  }
};

export const chatCompletionsScenario: Scenario = {
  name: 'dialect-chat-completions',
  promise: 'P-1 P-2 P-4',
  cluster: { gateways: 2 },
  deadlineMs: 90_000,
  run: async (stage) => {
    const { gateways } = stage.cluster;
    const conversationId = stage.newConversation();
    const begun = Promise.withResolvers<string>();
    const options = { key: `key-${conversationId}`, begun: begun.resolve };
    const readers = Promise.all([false, false, true].map((slow) => ask(stage, 'count 700 at 100', conversationId, { ...options, slow })));
    readers.catch(begun.reject);
    const runId = await begun.promise;
    const viewer = stage.watch(conversationId);
    await elapse(700);
    const owner = await stage.ownerOf({ conversationId, runId } as ExpectedRun);
    await owner.kill();
    await owner.start();
    await elapse(300);
    await gateways[0]!.kill();
    await elapse(stage.random.between(100, 600));
    await gateways[0]!.start();
    await gateways[1]!.terminate();
    await gateways[1]!.start();
    const texts = await readers;
    await viewer.screen.until(() => viewer.screen.finished.has(runId), 10_000, 'the end');
    const digest = createHash('sha256').update(countText(700)).digest('hex');
    const { sha256 } = viewer.screen.finished.get(runId)!;
    if (sha256 !== null && sha256 !== digest) throw new Error('P-1: the log has another text');
    for (const { text, runId: read } of texts)
      if (read !== runId || text !== countText(700)) throw new Error(`P-1: a caller holds ${text.length} characters of run ${read}`);

    await waitFor(() => Promise.resolve(stage.cluster.liveGateways().length === 2), { deadlineMs: 5_000, what: 'both gateways' });
    stage.note('three callers with one key, one of them slow');
    await stage.settle();
  },
};

export const chatCompletionsStoreScenario: Scenario = {
  name: 'dialect-chat-completions-store',
  promise: 'P-1 P-5',
  cluster: { gateways: 2 },
  deadlineMs: 90_000,
  run: async (stage) => {
    const { gateways } = stage.cluster;
    const lost = stage.newConversation();
    const started = Promise.withResolvers<string>();
    const through = Promise.all(
      [false, true].map((slow) => ask(stage, 'count 300 at 100', lost, { key: `key-${lost}`, slow, begun: started.resolve })),
    );
    through.catch(started.reject);
    await started.promise;
    await elapse(stage.random.between(400, 1_500));
    await stage.cluster.redis.restartEmpty();
    for (const { text } of await through)
      if (text !== countText(300)) throw new Error(`P-1: behind a store that forgot a caller holds ${text.length} characters`);

    const other = stage.newConversation();
    await throughStaleBalancer(stage, async () => {
      const running = Promise.withResolvers<string>();
      // So many that each way of the balancer is met.
      const halves = Array.from({ length: 5 }, () =>
        ask(stage, 'count 2000 at 100', other, { key: `key-${other}`, begun: running.resolve }),
      );
      const ends = Promise.allSettled(halves);
      halves[0]!.catch(running.reject);
      const stopped = await running.promise;
      await elapse(stage.random.between(300, 1_000));
      const outcome = await cancel(gateways[1]!.url, { conversationId: other, runId: stopped, userId: stage.userId });
      if (outcome.status !== 200) throw new Error(`P-5: the cancel was answered ${outcome.status}`);
      for (const end of await ends) {
        const told = end.status === 'fulfilled' ? 'a whole answer' : (end.reason as { code?: string }).code;
        if (told !== 'cancelled') throw new Error(`P-5: a caller of a cancelled run was told ${told}`);
      }
    });
    stage.note('two callers through a store that forgot; five by a balancer with a dead node, and a cancel from elsewhere');
    await stage.settle();
  },
};
