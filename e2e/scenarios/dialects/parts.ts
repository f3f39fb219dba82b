import { DefaultChatTransport, type UIMessage } from 'ai';
import { AiChat } from '@runnel/gateway/testing';
import { decide, digestOf, partsOf, snapshotOf, type Shown, type ToolPart } from '../../harness/parts.ts';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import { elapse, waitFor } from '../../harness/wait.ts';
import { balancedFetch } from './reader.ts';

// What `useChat` holds of the tools of an answer, whatever dies while they are called: the same calls as the log has, each once.

const TOOLS = ['do', 'act', 'look'];

type Held = Extract<UIMessage['parts'][number], { type: 'dynamic-tool' }>;
const heldOf = (chat: AiChat): Held[] => (chat.lastMessage?.parts ?? []).filter((part): part is Held => part.type === 'dynamic-tool');

const look = (stage: Stage, { conversationId }: ExpectedRun, origin = stage.origin()): Promise<Shown> =>
  snapshotOf(origin, conversationId, stage.userId).catch(() => ({ run: null, messages: [] }));

/** A page that comes back whenever its stream ends, until the answer has; now and then it forgets what it showed. */
const read = async (stage: Stage, run: ExpectedRun): Promise<{ held: Held[]; sawEnd: boolean }> => {
  const { conversationId, runId } = run;
  const balanced = balancedFetch(stage);
  const as: typeof fetch = (url, init) => balanced(`${String(url)}${String(url).includes('?') ? '&' : '?'}user_id=${stage.userId}`, init);
  const transport = new DefaultChatTransport({ api: `${stage.cluster.gateways[0]!.url}/api/ai-sdk`, fetch: as });
  for (let messages: UIMessage[] = []; ;) {
    const chat = new AiChat(conversationId, transport, messages);
    await chat.resumeStream();
    const { reason } = (chat.lastMessage?.metadata ?? {}) as { reason?: string };
    const isOver = (await look(stage, run)).messages.some(({ messageId }) => messageId === runId);
    if (reason !== undefined || isOver) return { held: heldOf(chat), sawEnd: reason !== undefined };
    messages = stage.random.chance(0.5) ? chat.messages : [];
    await elapse(50);
  }
};

/** Approves what waits, and repeats what nobody knows about, as soon as it is seen. */
const answerAll = (stage: Stage, run: ExpectedRun): Promise<unknown> =>
  waitFor(
    async () => {
      // Both at one gateway: taking turns, each decision would go to the one that is down while it starts again.
      const origin = stage.origin();
      const shown = await look(stage, run, origin);
      const ids = { conversationId: run.conversationId, runId: run.runId };
      for (const { partId, state, input = '' } of shown.run?.waiting ? partsOf(shown, run.runId) : [])
        if (state === 'waiting' || state === 'unknown') {
          const decision = state === 'unknown' ? 'retry' : 'approve';
          await decide(origin, stage.userId, { ...ids, partId, decision, inputSha256: digestOf(input) });
        }
      return shown.messages.some(({ messageId }) => messageId === run.runId);
    },
    { deadlineMs: 40_000, everyMs: 100, what: `the end of ${run.runId}` },
  );

const compare = (held: readonly Held[], parts: readonly ToolPart[], sawEnd: boolean): void => {
  const ids = held.map(({ toolCallId }) => toolCallId);
  if (new Set(ids).size !== ids.length) throw new Error(`W-16: a call is held twice: ${ids.join()}`);
  for (const { toolCallId, state, input, output } of held as (Held & { input?: unknown; output?: unknown })[]) {
    const part = parts.find(({ partId }) => partId === toolCallId);
    if (part === undefined) throw new Error(`W-16: a call that the log does not have: ${toolCallId}`);
    if (state !== 'output-available') continue;
    if (part.state !== 'done' || part.output !== output)
      throw new Error(`W-19: held ${String(output)}, the log has ${part.state} ${part.output}`);
    if (JSON.stringify(input) !== JSON.stringify(JSON.parse(part.input!)))
      throw new Error(`W-18: other arguments: ${JSON.stringify(input)}`);
  }
  const missing = parts.filter(({ kind, partId }) => kind === 'tool' && !ids.includes(partId));
  if (sawEnd && missing.length > 0) throw new Error(`W-16: after the end a page lacks ${missing.map(({ name }) => name).join()}`);
};

export const dialectPartsScenario: Scenario = {
  name: 'dialect-parts',
  promise: 'P-1 W-16 W-18 W-19',
  cluster: { gateways: 2, tools: true },
  // Three faults with a pod to start in each: on a machine that is full a start alone takes 45 s.
  deadlineMs: 300_000,
  async run(stage) {
    const { error } = console;
    // The client writes each broken connection to the console.
    console.error = () => undefined;
    try {
      for (const fault of ['ai killed', 'gateway killed', 'both'] as const) {
        const conversationId = stage.newConversation();
        stage.watch(conversationId);
        const run = await stage.startRun({ conversationId, words: 20, rate: 20, use: TOOLS });
        const reading = Promise.all([read(stage, run), read(stage, run)]);
        reading.catch(() => undefined);
        const ending = answerAll(stage, run);
        ending.catch(() => undefined);
        await elapse(stage.random.between(200, 1_500));
        const victims = [
          ...(fault === 'gateway killed' ? [] : [await stage.ownerOf(run).catch(() => stage.random.pick(stage.cluster.ai))]),
          ...(fault === 'ai killed' ? [] : [stage.random.pick(stage.cluster.gateways)]),
        ];
        await Promise.all(victims.map(async (victim) => (await victim.kill(), victim.start())));
        await ending;
        await stage.ended(run);
        const parts = partsOf(
          await waitFor(
            async () => {
              const shown = await look(stage, run);
              return shown.messages.length > 0 && shown;
            },
            { deadlineMs: 10_000, what: 'the parts' },
          ),
          run.runId,
        );
        const pages = await reading;
        for (const { held, sawEnd } of pages) compare(held, parts, sawEnd);
        const seen = pages.filter(({ sawEnd }) => sawEnd).length;
        stage.note(`${fault}: ${parts.length} parts; ${seen} of ${pages.length} pages were there at the end`);
      }
    } finally {
      console.error = error;
    }
    await stage.settle();
  },
};
