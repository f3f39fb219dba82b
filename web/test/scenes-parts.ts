import { plainDigest, utf8Length, type Message, type Part, type Receipt } from '@runnel/protocol';
import { chain, emptyView, message, type FakeClient } from './fake-client.ts';

const ID = 'c1';
const NOW = Date.now();

const FIRST = 'I look at the clock first, and then at the weather by the river.\n\n';
const SECOND = 'It is ten past nine, and it rains in the hills, so the **stream will rise** by noon.';

const tool = (index: number, change: Partial<Part>): Part => ({
  ...{ partId: `tool-${index}`, index, at: utf8Length(FIRST), kind: 'tool', state: 'done', server: 'demo', attempt: 1 },
  ...change,
});

const thought: Part = {
  ...{ partId: 'thought', index: 0, at: 0, kind: 'reasoning', state: 'done', startedAt: NOW - 9_000, endedAt: NOW - 5_000 },
  text: 'Two things are needed: what time it is, and whether it rains upstream.',
};
const clock = tool(1, {
  ...{ name: 'clock', title: 'Clock', input: '{"zone":"Asia/Ho_Chi_Minh"}', output: '{"time":"09:10"}' },
  ...{ startedAt: NOW - 5_000, endedAt: NOW - 4_700 },
});
const source = (index: number, url: string, title: string): Part => ({
  ...{ partId: `source-${index}`, index, at: utf8Length(FIRST), kind: 'source', state: 'done', url, title },
});

/** Every state a tool comes to. */
const ALL: Part[] = [
  thought,
  clock,
  tool(2, {
    name: 'rain',
    title: 'Rain gauge',
    state: 'failed',
    error: { code: 'timeout', message: 'slow' },
    attempt: 2,
    input: '{"at":"upstream"}',
  }),
  tool(3, { name: 'rain', state: 'failed', error: { code: 'tool-error', message: 'The gauge at km 12 is dry.' }, input: '{}' }),
  tool(4, { name: 'open_gate', state: 'denied', note: 'Not before noon', input: '{"gate":3}' }),
  tool(5, { name: 'count', title: 'Counter', state: 'unknown', input: '{"by":1}' }),
  { partId: 'q', index: 6, at: utf8Length(FIRST), kind: 'question', state: 'answered', text: 'Which river?', answer: 'The small one' },
  source(7, 'https://example.org/rivers', 'Rivers and rain'),
  { ...source(8, 'https://example.com/hills', 'The hills'), snippet: 'Rain in the hills is water in the valley six hours later.' },
  source(9, 'javascript:alert(1)', 'Not to be opened'),
  {
    ...{ partId: 'f', index: 10, at: utf8Length(FIRST + SECOND), kind: 'file', state: 'done', name: 'levels.csv' },
    mediaType: 'text/csv',
    bytes: 48_211,
  },
];

const open = (client: FakeClient, messages: Message[], run?: { text: string; parts: Part[]; waiting?: string[] }): string => {
  const parent = messages.at(-1)!;
  const running = run && {
    ...{ runId: 'run', parentId: parent.messageId, model: 'demo', epoch: 1, startedAt: NOW, moves: 0 },
    ...{ ...run, bytes: utf8Length(run.text) },
  };
  client.list.push({ conversationId: ID, title: 'Will the stream rise?', updatedAt: NOW });
  const { conversation } = emptyView(ID);
  client.change(ID, {
    conversation: { ...conversation, logId: 'l', offset: 9, title: 'Will the stream rise?', messages, run: running ?? null },
  });
  return ID;
};
const QUESTION = [message('user', 'Will the stream rise today?')];

const waiting = (client: FakeClient, part: Part): string =>
  open(client, QUESTION, { text: FIRST, parts: [thought, clock, part], waiting: [part.partId] });

const receiptOf = (text: string, change: Partial<Receipt> = {}): Receipt => ({
  ...{ sha256: plainDigest(text), bytes: utf8Length(text), usage: { promptTokens: 1_284, completionTokens: 311 } },
  ...{ firstWordMs: 412, durationMs: 6_920, nodes: ['ai-0', 'ai-2'], ...change },
});

/** Answers with parts, in the states that people meet. */
export const partScenes: Record<string, (client: FakeClient) => string> = {
  parts: (client) => open(client, chain([...QUESTION, message('assistant', FIRST + SECOND, { parts: ALL })])),
  receipt: (client) =>
    open(client, chain([...QUESTION, message('assistant', FIRST + SECOND, { model: 'smol', receipt: receiptOf(FIRST + SECOND) })])),
  forged: (client) =>
    open(
      client,
      chain([
        ...QUESTION,
        message('assistant', FIRST, { receipt: receiptOf(SECOND) }),
        message('user', 'And then?'),
        message('assistant', SECOND),
      ]),
    ),
  toolRunning: (client) => open(client, QUESTION, { text: FIRST, parts: [thought, { ...clock, state: 'running' }] }),
  approval: (client) =>
    waiting(
      client,
      tool(2, {
        name: 'open_gate',
        title: 'Open a gate',
        state: 'waiting',
        input: '{"gate":3,"note":"now\u202enoon"}',
        approval: { policy: 'ask' },
      }),
    ),
  unknown: (client) => waiting(client, tool(2, { name: 'count', title: 'Counter', state: 'unknown', input: '{"by":1}' })),
  question: (client) =>
    waiting(client, {
      ...{ partId: 'q', index: 2, at: utf8Length(FIRST), kind: 'question', state: 'waiting', text: 'Which river do you mean?' },
      choices: ['The one by the mill', 'The large one, with the bridge'],
    }),
};
