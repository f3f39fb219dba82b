import { DefaultChatTransport, type UIMessage } from 'ai';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { AiChat, workflowTransport } from '../../../testing/ai-chat.ts';
import { scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

/** A gateway whose runs the test writes itself. */
const start = async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  const api = `${gateway.url}/api/ai-sdk`;
  const asAnn: typeof fetch = (url, init) => fetch(`${String(url)}${String(url).includes('?') ? '&' : '?'}user_id=ann`, init);
  return {
    ...gateway,
    pod,
    api,
    runs: pod.runs,
    asAnn,
    default: () => new DefaultChatTransport({ api, fetch: asAnn }),
    workflow: () => workflowTransport({ api, fetch: asAnn }),
    run: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]),
    chat: async (id: string): Promise<unknown> => (await asAnn(`${gateway.url}/api/history/${id}`)).json(),
  };
};

const PROBLEM = 'application/problem+json; charset=utf-8';

const finish = async (run: ScriptRun, words = ['Xin ', 'chào ', '👋']): Promise<void> => {
  for (const word of words) await run.say(word);
  await run.end({ finish: 'stop', usage: { promptTokens: 1, completionTokens: 3 } });
};

const user = (id: string, text: string): UIMessage => ({ id, role: 'user', parts: [{ type: 'text', text }] });

/** Chunks of a raw answer. */
const chunksOf = (text: string): { type: string; [field: string]: unknown }[] =>
  [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json!) as { type: string });

test.each(['default', 'workflow'] as const)('P-1 a chat over the %s transport shows the answer, and the next one', async (form) => {
  await using gateway = await start();
  const chat = new AiChat('c1', gateway[form]());
  for (const n of [0, 1]) {
    const sent = chat.sendMessage({ text: `Hello ${n}` });
    await finish(await gateway.run(n));
    await sent;
    expect([chat.status, chat.error, chat.text]).toEqual(['ready', undefined, 'Xin chào 👋']);
    expect(chat.lastMessage?.id).toBe(gateway.runs[n]!.runId);
  }
  expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
  expect(chat.lastMessage!.metadata).toMatchObject({ conversationId: 'c1', reason: 'complete', usage: { completionTokens: 3 }, bytes: 14 });
  const { messages } = (await gateway.chat('c1')) as { messages: { messageId: string; text: string }[] };
  expect(messages.map(({ messageId }) => messageId)).toEqual(chat.messages.map(({ id }) => id));
  // What the model was asked with.
  expect(gateway.runs[1]!.messages.map(({ text }) => text)).toEqual(['Hello 0', 'Xin chào 👋', 'Hello 1']);
});

test.each([0, 1, 2, 3, 4])('P-1 a page that is loaded anew after %i words shows the whole answer once', async (after) => {
  await using gateway = await start();
  const words = ['one ', 'two ', 'three ', '👋'];
  const first = new AiChat('c1', gateway.default());
  void first.sendMessage({ text: 'Hello' });
  const run = await gateway.run(0);
  for (const word of words.slice(0, after)) await run.say(word);
  await waitFor(() => first.text === words.slice(0, after).join(''));
  const tabs = [
    new AiChat('c1', gateway.default(), structuredClone(first.messages)),
    new AiChat('c1', gateway.workflow(), [user('m', 'Hello')]),
  ];
  const resumed = tabs.map((chat) => chat.resumeStream());
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 3);
  await finish(run, words.slice(after));
  await Promise.all(resumed);
  for (const chat of tabs) {
    expect([chat.status, chat.text, chat.messages.length]).toEqual(['ready', words.join(''), 2]);
    expect(chat.lastMessage!.parts.map(({ type }) => type)).toEqual(['step-start', 'text']);
  }
});

test('a workflow transport that was cut off goes on, whatever it had counted, without a loss or a double', async () => {
  await using gateway = await start();
  const cuts = [40, 170, 260, 350, 480];
  const cutting: typeof fetch = async (url, init) => {
    const response = await gateway.asAnn(url, init);
    const most = cuts.shift();
    if (most === undefined || !response.ok) return response;
    let sent = 0;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        const piece = bytes.subarray(0, Math.max(0, most - sent));
        sent += bytes.length;
        controller.enqueue(piece);
        if (sent >= most) controller.error(new TypeError('the network broke'));
      },
    });
    return new Response(response.body!.pipeThrough(cut), { headers: response.headers });
  };
  const chat = new AiChat('c1', workflowTransport({ api: gateway.api, fetch: cutting, maxConsecutiveErrors: 20 }));
  const sent = chat.sendMessage({ text: 'Hello' });
  const run = await gateway.run(0);
  const words = Array.from({ length: 60 }, (_, index) => `w${index} `);
  for (const word of words) {
    await run.say(word);
    await waitFor(() => chat.status !== 'ready');
  }
  await run.end({ finish: 'stop' });
  await sent;
  expect(cuts).toEqual([]);
  expect([chat.status, chat.text]).toEqual(['ready', words.join('')]);
  expect(chat.lastMessage!.parts.filter(({ type }) => type === 'text')).toHaveLength(1);
});

test('an answer that begins again takes the place of what was shown', async () => {
  await using gateway = await start();
  const chat = new AiChat('c1', gateway.default());
  const sent = chat.sendMessage({ text: 'Hello' });
  const run = await gateway.run(0);
  await run.say('wrong ');
  await waitFor(() => chat.text === 'wrong ');
  await run.restart();
  await finish(run);
  await sent;
  expect([chat.status, chat.text]).toEqual(['ready', 'Xin chào 👋']);
});

test.each([
  ['cancelled', { reason: 'cancelled' } as const, ['text-end', 'finish-step', 'abort', 'finish']],
  [
    'failed',
    { reason: 'failed', error: { code: 'model-failed', message: 'broke' } } as const,
    ['text-end', 'finish-step', 'error', 'finish'],
  ],
  ['cut', { finish: 'length' } as const, ['text-end', 'finish-step', 'finish']],
] as const)('W-10 an answer that was %s ends with its words, and always with finish', async (_name, end, words) => {
  await using gateway = await start();
  const asked = await gateway.asAnn(gateway.api, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'c1', message: user('m1', 'Hello') }),
  });
  expect(Object.fromEntries(asked.headers)).toMatchObject({
    'x-vercel-ai-ui-message-stream': 'v1',
    'x-workflow-run-id': `c1.${gateway.runs[0]!.runId}`,
    'x-runnel-conversation': 'c1',
    'x-runnel-run': gateway.runs[0]!.runId,
  });
  const run = gateway.runs[0]!;
  await run.say('half');
  if ('reason' in end && end.reason === 'cancelled') {
    const stopped = await gateway.asAnn(`${gateway.api}/c1/stop`, { method: 'POST' });
    expect([stopped.status, await stopped.json()]).toEqual([200, { success: true }]);
  } else await run.end(end);
  const text = await asked.text();
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  const chunks = chunksOf(text);
  const types = chunks.map(({ type }) => type);
  expect(types.slice(0, 4)).toEqual(['start', 'start-step', 'text-start', 'text-delta']);
  expect(types.slice(-words.length)).toEqual(words);
  if ('finish' in end) expect(chunks.at(-1)).toMatchObject({ finishReason: 'length' });
});

test('closing is not stopping: a reader leaves, and the answer goes on', async () => {
  await using gateway = await start();
  const left = new AbortController();
  const chat = gateway.asAnn(gateway.api, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'c1', message: user('m1', 'Hello') }),
    signal: left.signal,
  });
  await chat;
  left.abort();
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 0);
  expect(await gateway.runs[0]!.say('on ')).toBe('appended');
});

test('W-4 the same last message joins its run; another text is an edit beside it; regenerate is another answer', async () => {
  await using gateway = await start();
  const post = (body: object) =>
    gateway.asAnn(gateway.api, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'c1', ...body }),
    });
  const first = await post({ messages: [user('m1', 'Hello')] });
  const busy = await post({ messages: [user('m2', 'Else')] });
  expect([busy.status, busy.headers.get('content-type')]).toEqual([409, PROBLEM]);
  const joined = await post({ messages: [user('m1', ' Hello ')] });
  expect(joined.headers.get('x-runnel-run')).toBe(gateway.runs[0]!.runId);
  await finish(gateway.runs[0]!);
  expect(
    chunksOf(await first.text())
      .map(({ delta }) => delta ?? '')
      .join(''),
  ).toBe('Xin chào 👋');
  expect(chunksOf(await joined.text()).at(-1)).toMatchObject({ finishReason: 'stop' });

  const edit = () => post({ messages: [user('m1', 'Hello there')], messageId: 'm1', trigger: 'submit-message' });
  const edited = await edit();
  await finish(gateway.runs[1]!);
  expect(gateway.runs[1]!.messages.map(({ text, parentId }) => [text, parentId])).toEqual([['Hello there', null]]);
  expect((await edit()).headers.get('x-runnel-run')).toBe(edited.headers.get('x-runnel-run'));
  await post({ messages: [user('m1', 'Hello there')], messageId: gateway.runs[1]!.runId, trigger: 'regenerate-message' });
  expect(gateway.runs).toHaveLength(3);
  expect(gateway.runs[2]!.messages.map(({ text }) => text)).toEqual(['Hello there']);
});

test('earlier messages are the beginning of a new conversation, in their order, and nothing of one that exists', async () => {
  await using gateway = await start();
  const post = (messages: object[]) =>
    gateway.asAnn(gateway.api, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: JSON.stringify({ id: 'c1', messages }) });
  const system = { role: 'system', parts: [{ type: 'text', text: 'Be kind.' }] };
  await post([system, user('m1', 'One'), { id: 'a1', role: 'assistant', parts: [{ type: 'text', text: 'Two' }] }, user('m2', 'Three')]);
  const { messages } = gateway.runs[0]!;
  expect(messages.map(({ role, text }) => `${role} ${text}`)).toEqual(['system Be kind.', 'user One', 'assistant Two', 'user Three']);
  await finish(gateway.runs[0]!);
  await post([user('x', 'Made up'), user('m3', 'Four')]);
  expect(gateway.runs[1]!.messages.map(({ text }) => text)).toEqual(['Be kind.', 'One', 'Two', 'Three', 'Xin chào 👋', 'Four']);
  await finish(gateway.runs[1]!);
  const many = Array.from({ length: 400 }, (_, index) => user(`l${index}`, `m ${index}`));
  expect((await post([...many, user('m4', 'Five')])).status).toBe(200);
});

test.each([
  ['an id outside the alphabet', { id: 'a b', message: user('m1', 'Hello') }, 400],
  ['a message id outside the alphabet', { id: 'c1', message: user('m 1', 'Hello') }, 400],
  ['nothing to answer', { id: 'c1' }, 400],
  ['an answer as the last message', { id: 'c1', message: { id: 'a', role: 'assistant', parts: [] } }, 400],
  ['a picture', { id: 'c1', message: { id: 'm', role: 'user', parts: [{ type: 'file', url: 'data:,' }] } }, 400],
  ['an empty text', { id: 'c1', message: user('m1', ' ') }, 400],
  ['a model nobody has', { id: 'c1', message: user('m1', 'Hello'), model: 'none' }, 400],
  ['more than 4 MiB', { id: 'c1', message: user('m1', 'x'.repeat(4 * 1024 * 1024)) }, 413],
] as const)('%s is refused with a problem', async (_name, body, status) => {
  await using gateway = await start();
  const response = await gateway.asAnn(gateway.api, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([status, PROBLEM]);
  expect(gateway.runs).toEqual([]);
});

test('the transport of Workflow asks for the last chunks, is cut, and comes again where it was', async () => {
  await using gateway = await start();
  const warned: string[] = [];
  vi.spyOn(console, 'warn').mockImplementation((line: string) => void warned.push(line));
  onTestFinished(() => void vi.restoreAllMocks());
  void new AiChat('c1', gateway.default()).sendMessage({ text: 'Hello' });
  await finish(await gateway.run(0));
  const asked: string[] = [];
  const cutOnce: typeof fetch = async (url, init) => {
    asked.push(new URL(String(url)).searchParams.get('startIndex')!);
    const whole = await gateway.asAnn(url, init);
    if (asked.length > 1) return whole;
    const events = (await whole.text())
      .split('\n\n')
      .slice(0, 3)
      .map((event) => `${event}\n\n`);
    return new Response(events.join(''), whole);
  };
  const transport = workflowTransport({ api: gateway.api, fetch: cutOnce, initialStartIndex: -20 });
  const types: string[] = [];
  for await (const chunk of (await transport.reconnectToStream({ chatId: 'c1' }))!) types.push(chunk.type);
  expect(types).toEqual([
    'start',
    'start-step',
    'text-start',
    'reset-step',
    'text-start',
    'text-delta',
    'text-end',
    'finish-step',
    'finish',
  ]);
  expect([asked, warned]).toEqual([['-20', '3'], []]);
});

test('nothing to resume is 204; with startIndex the newest answer, and 404 where there is none; strangers meet 403', async () => {
  await using gateway = await start();
  const resume = (path: string, who = 'ann') =>
    fetch(`${gateway.api}/${path}${path.includes('?') ? '&' : '?'}user_id=${who}`).then(async (response) => ({
      status: response.status,
      types: chunksOf(await response.text()).map(({ type }) => type),
    }));
  expect((await resume('c1/stream')).status).toBe(204);
  expect((await resume('c1/stream?startIndex=0')).status).toBe(404);
  expect((await resume('a%20b/stream')).status).toBe(400);
  void new AiChat('c1', gateway.default()).sendMessage({ text: 'Hello' });
  const run = await gateway.run(0);
  await finish(run);
  expect((await resume('c1/stream')).status).toBe(204);
  expect((await resume('c1/stream', 'bob')).status).toBe(403);
  expect((await fetch(`${gateway.api}/c1/stop?user_id=bob`, { method: 'POST' })).status).toBe(403);
  const whole = ['start', 'start-step', 'text-start', 'text-delta', 'text-end', 'finish-step', 'finish'];
  for (const index of ['0', '-10']) expect(await resume(`c1/stream?startIndex=${index}`)).toEqual({ status: 200, types: whole });
  expect((await resume(`c1.${run.runId}/stream?startIndex=1`)).types).toEqual(['reset-step', ...whole.slice(1)]);
  for (const index of ['2', '99'])
    expect((await resume(`c1.${run.runId}/stream?startIndex=${index}`)).types).toEqual(['reset-step', ...whole.slice(2)]);
  expect((await resume('c1.other/stream?startIndex=0')).status).toBe(404);
  expect((await resume('c1/stream?startIndex=x')).status).toBe(400);
});
