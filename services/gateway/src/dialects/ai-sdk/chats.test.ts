import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

// What the three transports send, by hand: bodies and addresses as the clients make them.

const start = async (more: Partial<Parameters<typeof startGateway>[0]> = {}) => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models, ...more });
  onTestFinished(() => gateway.close());
  const call = (method: string, path: string, body?: object, type = 'application/json') =>
    fetch(`${gateway.url}/api/ai-sdk${path}${path.includes('?') ? '&' : '?'}user_id=ann`, {
      method,
      ...(body && { headers: { 'content-type': type }, body: JSON.stringify(body) }),
    });
  return { ...gateway, runs: pod.runs, call, run: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]) };
};

const user = (id: string, text: string) => ({ id, role: 'user', parts: [{ type: 'text', text }] });
const typesOf = (text: string): string[] =>
  [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => (JSON.parse(json!) as { type: string }).type);
const finish = async (run: ScriptRun, words = ['Xin ', 'chào']): Promise<void> => {
  for (const word of words) await run.say(word);
  await run.end({ finish: 'stop' });
};

test('a Workflow chat sends text without an id: a new conversation, found again by what the answer said, and by its own id', async () => {
  const t = await start();
  const messages = [user('m1', 'Hello')];
  const [first, second] = [await t.call('POST', '', { messages }, 'text/plain;charset=UTF-8'), await t.call('POST', '', { messages })];
  const conversations = [first, second].map(({ headers }) => headers.get('x-runnel-conversation')!);
  expect(new Set(conversations).size).toBe(2);
  const streamId = first.headers.get('x-workflow-run-id')!;
  expect(streamId).toBe(`${conversations[0]}.${first.headers.get('x-runnel-run')}`);
  await finish(await t.run(0));
  await finish(await t.run(1));
  const told = await first.text();
  expect(typesOf(told).at(-1)).toBe('finish');
  for (const id of [streamId, conversations[0]!]) {
    const again = await t.call('GET', `/${id}/stream?startIndex=0`);
    expect([again.status, again.headers.get('x-workflow-run-id')]).toEqual([200, streamId]);
    expect(typesOf(await again.text())).toContain('text-delta');
  }
});

test('stop: whatever else its body says, the running answer is stopped, an ended one stays, and another one is not meant', async () => {
  const t = await start();
  const asked = await t.call('POST', '', { id: 'c1', message: user('m1', 'Hello') });
  const { runId } = await t.run(0);
  const stop = async (body?: object, path = '/c1/stop') => {
    const response = await t.call('POST', path, body);
    return [response.status, ((await response.json()) as { success?: boolean }).success, response.headers.get('x-runnel-run')];
  };
  expect((await stop({ activeStreamId: 'another' }))[0]).toBe(404);
  expect(await t.runs[0]!.say('half')).toBe('appended');
  expect(await stop({ activeStreamId: 'c1', assistantMessage: { id: 'x', role: 'assistant', parts: [] } })).toEqual([200, true, runId]);
  expect(typesOf(await asked.text()).slice(-2)).toEqual(['abort', 'finish']);
  for (const body of [undefined, {}, { activeStreamId: null }, { activeStreamId: runId }, { activeStreamId: `c1.${runId}` }])
    expect(await stop(body)).toEqual([200, true, runId]);
  expect(await stop({}, `/c1.${runId}/stop`)).toEqual([200, true, runId]);
  expect((await stop({}, '/nowhere/stop'))[0]).toBe(404);
});

test('an answer that begins again takes its step back and tells the parts anew, and ends with finish', async () => {
  const t = await start();
  const asked = await t.call('POST', '', { id: 'c1', message: user('m1', 'Hello') });
  const run = await t.run(0);
  await run.say('wrong ');
  const reader = asked.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('wrong')) text += (await reader.read()).value;
  await run.restart();
  await finish(run);
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
  const types = typesOf(text).filter((type, index, all) => type !== all[index - 1]);
  expect(types).toEqual([
    ...['start', 'start-step', 'text-start', 'text-delta', 'reset-step', 'text-start', 'text-delta', 'text-end'],
    ...['finish-step', 'finish'],
  ]);
});

test('an edit stands beside what it edits, under the same parent, and the same edit is one', async () => {
  const t = await start();
  for (const [n, id] of ['m1', 'm2'].entries()) {
    const asked = await t.call('POST', '', { id: 'c1', messages: [user(id, `Question ${n}`)] });
    await finish(await t.run(n));
    await asked.text();
  }
  const edit = async () => {
    const asked = await t.call('POST', '', {
      id: 'c1',
      messages: [user('m1', 'Question 0'), user('m2', 'Something else')],
      messageId: 'm2',
    });
    await waitFor(() => t.runs[2]);
    await finish(t.runs[2]!).catch(() => undefined);
    await asked.text();
    return asked.headers.get('x-runnel-run');
  };
  expect(await edit()).toBe(await edit());
  const { messages } = (await (await fetch(`${t.url}/api/history/c1?user_id=ann`)).json()) as {
    messages: { messageId: string; parentId: string; text: string }[];
  };
  const [before, edited] = ['Question 1', 'Something else'].map((text) => messages.find((message) => message.text === text)!);
  expect(edited!.parentId).toBe(before!.parentId);
  expect(edited!.messageId).not.toBe(before!.messageId);
  expect(t.runs).toHaveLength(3);
});

test('without a model the conversation’s last one answers, else the default', async () => {
  const runLog = createMemoryRunLog();
  const known = ['first', 'second'];
  const models = {
    list: async () => known.map((id) => ({ id, name: id, provider: 'test', canContinue: true })),
    find: () => undefined,
    resolve: async (id = 'first') => (known.includes(id) ? id : Promise.reject(new RunnelError('model-unknown'))),
    close: () => undefined,
  };
  const t = await start({ runLog, models, dispatcher: { dispatch: async () => 'queued', close: () => undefined } });
  const answeredBy = async (id: string, messageId: string, more: object = {}): Promise<string> => {
    const left = new AbortController();
    const asked = await t.call('POST', '', { id, message: user(messageId, 'Hello'), ...more });
    await t.call('POST', `/${id}/stop`);
    await asked.text();
    left.abort();
    const events = (await (await fetch(`${t.url}/api/streams/${id}?user_id=ann`)).json()) as { type: string; model?: string }[];
    return events.findLast(({ type }) => type === 'run-started')!.model!;
  };
  expect(await answeredBy('c1', 'm1')).toBe('first');
  expect(await answeredBy('c1', 'm2', { model: 'second' })).toBe('second');
  expect(await answeredBy('c1', 'm3')).toBe('second');
  expect(await answeredBy('c1', 'm4', { model: null })).toBe('second');
  expect(await answeredBy('c2', 'm1')).toBe('first');
});

test('over a socket: bytes are no frame, an ended answer is not active, and an abort of nothing changes nothing', async () => {
  const t = await start();
  const open = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${t.port}/ws/ai-sdk?user_id=ann`);
    const frames: { type: string; requestId: string }[] = [];
    socket.on('message', (data: Buffer) => void frames.push(JSON.parse(data.toString()) as { type: string; requestId: string }));
    await once(socket, 'open');
    return { socket, frames, send: (frame: object) => socket.send(JSON.stringify(frame)) };
  };
  const chat = await open();
  chat.send({ type: 'send', requestId: 'a', id: 'c1', trigger: 'submit-message', messages: [user('m1', 'Hello')], headers: {}, body: {} });
  const run = await t.run(0);
  chat.send({ type: 'abort', requestId: 'another' });
  await finish(run);
  await waitFor(() => chat.frames.some(({ type }) => type === 'end'));
  chat.send({ type: 'resume', requestId: 'b', id: 'c1', headers: {}, body: {} });
  await waitFor(() => chat.frames.at(-1)!.requestId === 'b');
  expect(chat.frames.at(-1)!.type).toBe('no-active');
  expect(chat.frames.some(({ type }) => type === 'error')).toBe(false);
  chat.socket.send(Buffer.from(JSON.stringify({ type: 'abort', requestId: 'a' })));
  expect((await once(chat.socket, 'close'))[0]).toBe(1008);
});
