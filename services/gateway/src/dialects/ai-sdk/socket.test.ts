import { once } from 'node:events';
import { SignJWT } from 'jose';
import { WebSocketChatTransport, type UIMessage } from 'ai';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { AiChat } from '../../../testing/ai-chat.ts';
import { scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

const SECRET = 'a secret of thirty-two bytes or more';

const start = async (env: Record<string, string> = {}) => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models, env });
  const url = `ws://127.0.0.1:${gateway.port}/ws/ai-sdk`;
  const transport = (options: object = { params: { user_id: 'ann' } }) => new WebSocketChatTransport<UIMessage>({ url, ...options });
  return { ...gateway, url, transport, runs: pod.runs, run: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]) };
};

const finish = async (run: ScriptRun, words = ['Xin ', 'chào ', '👋']): Promise<void> => {
  for (const word of words) await run.say(word);
  await run.end({ finish: 'stop' });
};

interface Frame {
  type: string;
  requestId?: string;
  sequence?: number;
  chunk?: { type: string };
}

/** A socket without a client, and what it was sent. */
const raw = async (url: string) => {
  const socket = new WebSocket(`${url}?user_id=ann`);
  const frames: Frame[] = [];
  socket.on('message', (data: Buffer) => void frames.push(JSON.parse(data.toString()) as Frame));
  await once(socket, 'open');
  return { socket, frames, send: (frame: object) => socket.send(JSON.stringify(frame)) };
};

const user = (id: string, text: string) => ({ id, role: 'user', parts: [{ type: 'text', text }] });
const send = (requestId: string, change: object = {}) => ({
  type: 'send',
  requestId,
  id: 'c1',
  trigger: 'submit-message',
  messages: [user('m1', 'Hello')],
  headers: {},
  body: {},
  ...change,
});

test('P-1 a chat over a socket shows the answer, and the next one', async () => {
  await using gateway = await start();
  const transport = gateway.transport();
  const chat = new AiChat('c1', transport);
  for (const n of [0, 1]) {
    const sent = chat.sendMessage({ text: `Hello ${n}` });
    await finish(await gateway.run(n));
    await sent;
    expect([chat.status, chat.error, chat.text]).toEqual(['ready', undefined, 'Xin chào 👋']);
  }
  expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant']);
  transport.close();
});

test.each([0, 1, 2, 3, 4])('P-1 a socket that broke after %i words is resumed, and shows the whole answer once', async (after) => {
  await using gateway = await start();
  const words = ['one ', 'two ', 'three ', '👋'];
  const broken = gateway.transport();
  const chat = new AiChat('c1', broken);
  const sent = chat.sendMessage({ text: 'Hello' });
  const run = await gateway.run(0);
  for (const word of words.slice(0, after)) await run.say(word);
  await waitFor(() => chat.text === words.slice(0, after).join(''));
  broken.close();
  await sent;
  expect(await run.say('')).toBe('appended');
  const tabs = [new AiChat('c1', gateway.transport(), structuredClone(chat.messages)), new AiChat('c1', gateway.transport())];
  const resumed = tabs.map((tab) => tab.resumeStream());
  await waitFor(() => tabs.every(({ messages }) => messages.some(({ id }) => id === run.runId)));
  await finish(run, words.slice(after));
  await Promise.all(resumed);
  for (const tab of tabs) expect([tab.status, tab.text, tab.lastMessage?.id]).toEqual(['ready', words.join(''), run.runId]);
});

test('P-5 stop cancels the run, and a closed socket does not', async () => {
  await using gateway = await start();
  const stopping = new AiChat('c1', gateway.transport());
  const stopped = stopping.sendMessage({ text: 'Hello' });
  const first = await gateway.run(0);
  await first.say('half');
  await waitFor(() => stopping.text === 'half');
  await stopping.stop();
  await stopped;
  await waitFor(async () => (await first.say('more')) !== 'appended');

  const transport = gateway.transport();
  const leaving = new AiChat('c2', transport);
  const left = leaving.sendMessage({ text: 'Hello' });
  const second = await gateway.run(1);
  await waitFor(() => leaving.status !== 'ready');
  transport.close();
  await left;
  expect(await second.say('on')).toBe('appended');
});

test('chunks are numbered from 0 without a gap for each request, between start and end', async () => {
  await using gateway = await start();
  const { socket, frames, send: tell } = await raw(gateway.url);
  tell(send('a'));
  tell(send('b', { id: 'c2' }));
  await Promise.all([finish(await gateway.run(0)), finish(await gateway.run(1))]);
  await waitFor(() => frames.filter(({ type }) => type === 'end').length === 2);
  for (const requestId of ['a', 'b']) {
    const own = frames.filter((frame) => frame.requestId === requestId);
    expect([own[0]!.type, own.at(-1)!.type]).toEqual(['start', 'end']);
    const chunks = own.slice(1, -1);
    expect(chunks.map(({ sequence }) => sequence)).toEqual(chunks.map((_, index) => index));
    expect([chunks[0]!.chunk!.type, chunks.at(-1)!.chunk!.type]).toEqual(['start', 'finish']);
  }
  tell({ type: 'resume', requestId: 'r', id: 'c1', headers: {}, body: {} });
  tell({ type: 'resume', requestId: 's', id: 'nowhere', headers: {}, body: {} });
  await waitFor(() => frames.filter(({ type }) => type === 'no-active').length === 2);
  socket.close();
});

test('a long history fits; busy and bad ids are told for their request, and the socket goes on', async () => {
  await using gateway = await start();
  const { socket, frames, send: tell } = await raw(gateway.url);
  tell(send('a', { messages: [user('m0', 'x'.repeat(300_000)), user('m1', 'Hello')] }));
  await gateway.run(0);
  tell(send('b', { messages: [user('m2', 'Else')] }));
  tell(send('c', { id: 'a b' }));
  tell(send('d', { body: { model: 'none' }, id: 'c3' }));
  await waitFor(() => frames.filter(({ type }) => type === 'error').length === 3);
  expect(frames.filter(({ type }) => type === 'error').map(({ requestId }) => requestId)).toEqual(['b', 'c', 'd']);
  await finish(gateway.runs[0]!);
  await waitFor(() => frames.some(({ type }) => type === 'end'));
  socket.close();
});

test.each([
  ['no JSON', 'nonsense'],
  ['another type', JSON.stringify({ type: 'hello', requestId: 'a' })],
  ['no requestId', JSON.stringify({ ...send('a'), requestId: undefined })],
  ['messages that are none', JSON.stringify(send('a', { messages: 'x' }))],
  ['headers that are no texts', JSON.stringify(send('a', { headers: { a: 1 } }))],
])('a frame that is none (%s) closes 1008', async (_name, text) => {
  await using gateway = await start();
  const { socket } = await raw(gateway.url);
  socket.send(text);
  expect((await once(socket, 'close'))[0]).toBe(1008);
});

test('W-2 the token of a frame says who speaks where the handshake did not; without one there is no answer, nor a long frame', async () => {
  await using gateway = await start({ AUTH_MODE: 'jwt', JWT_SECRET: SECRET });
  const token = await new SignJWT({ sub: 'ann' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET));
  const chat = new AiChat('c1', gateway.transport({ headers: { Authorization: `Bearer ${token}` } }));
  const sent = chat.sendMessage({ text: 'Hello' });
  await finish(await gateway.run(0));
  await sent;
  expect(chat.text).toBe('Xin chào 👋');
  const nobody = new AiChat('c2', gateway.transport({}));
  await nobody.sendMessage({ text: 'Hello' });
  expect([nobody.status, gateway.runs.length]).toEqual(['error', 1]);
  const { socket } = await raw(gateway.url);
  socket.send(JSON.stringify(send('a', { messages: [user('m1', 'x'.repeat(300_000))] })));
  expect((await once(socket, 'close'))[0]).toBe(1009);
});

test('where no token is asked for, the one of a frame names a guest, who is the same over every socket and over HTTP', async () => {
  await using gateway = await start();
  const known = { headers: { Authorization: 'Bearer any' } };
  const first = gateway.transport(known);
  const sent = new AiChat('c1', first).sendMessage({ text: 'Hello' });
  const run = await gateway.run(0);
  await run.say('Xin ');
  first.close();
  await sent.catch(() => undefined);
  const again = new AiChat('c1', gateway.transport(known));
  const resumed = again.resumeStream();
  await waitFor(() => again.text === 'Xin ');
  const seen = await fetch(`http://127.0.0.1:${gateway.port}/api/ai-sdk/c1/stream`, known);
  expect(seen.status).toBe(200);
  await finish(run, ['chào']);
  await resumed;
  expect([again.error, again.text]).toEqual([undefined, 'Xin chào']);
  await seen.body!.cancel();
  const other = new AiChat('c1', gateway.transport({ headers: { Authorization: 'Bearer another' } }));
  await other.resumeStream();
  expect(other.error?.message).toContain('somebody else');
});

test('a draining node sends the socket elsewhere', async () => {
  await using gateway = await start();
  const { socket } = await raw(gateway.url);
  const closed = once(socket, 'close');
  await gateway.drain();
  expect((await closed)[0]).toBe(4000);
});

test('P-8 a peer that answers no ping is let go, and its run goes on', async () => {
  await using gateway = await start({ HEARTBEAT_MS: '50' });
  const socket = new WebSocket(`${gateway.url}?user_id=ann`, { autoPong: false });
  await once(socket, 'open');
  socket.send(JSON.stringify(send('a')));
  const run = await gateway.run(0);
  await once(socket, 'close');
  expect(await run.say('on')).toBe('appended');
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 0);
});
