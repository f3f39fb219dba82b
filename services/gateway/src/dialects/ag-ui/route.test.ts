import { HttpAgent, type BaseEvent } from '@ag-ui/client';
import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

const PROBLEM = 'application/problem+json; charset=utf-8';

/** The client, and what it was told. */
class WatchedAgent extends HttpAgent {
  readonly events: BaseEvent[] = [];

  constructor(config: ConstructorParameters<typeof HttpAgent>[0]) {
    super(config);
    this.subscribe({ onEvent: ({ event }) => void this.events.push(event) });
  }

  /** One for each that follows on another. */
  get types(): string[] {
    return this.events.map(({ type }) => String(type)).filter((type, index, all) => type !== all[index - 1]);
  }

  get text(): string {
    const last = this.messages.findLast(({ role }) => role === 'assistant');
    return typeof last?.content === 'string' ? last.content : '';
  }
}

/** A gateway whose runs the test writes itself. */
const start = async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  const api = `${gateway.url}/api/ag-ui`;
  const agent = (threadId: string, action = 'run', agentId = 'default') =>
    new WatchedAgent({ url: `${api}/agent/${agentId}/${action}?user_id=ann`, threadId });
  const post = (path: string, body: object, who = 'ann') =>
    fetch(`${api}/${path}?user_id=${who}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { ...gateway, api, agent, post, runs: pod.runs, run: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]) };
};

const finish = async (run: ScriptRun, words = ['Xin ', 'chào ', '👋']): Promise<void> => {
  for (const word of words) await run.say(word);
  await run.end({ finish: 'stop' });
};

const user = (id: string, content: string) => ({ id, role: 'user' as const, content });

test('P-1 an agent answers a thread, and the next message of it', async () => {
  await using gateway = await start();
  const agent = gateway.agent('c1');
  for (const n of [0, 1]) {
    agent.addMessage(user(`m${n}`, `Hello ${n}`));
    const ran = agent.runAgent({ runId: `r${n}` });
    await finish(await gateway.run(n));
    const { newMessages } = await ran;
    expect(newMessages).toMatchObject([{ id: `r${n}`, role: 'assistant', content: 'Xin chào 👋' }]);
  }
  expect(gateway.runs[1]!.messages.map(({ text }) => text)).toEqual(['Hello 0', 'Xin chào 👋', 'Hello 1']);
  const ends = ['RUN_STARTED', 'TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END', 'RUN_FINISHED'];
  expect(agent.types).toEqual([...ends, ...ends]);
  expect(agent.events[0]).toMatchObject({ threadId: 'c1', runId: 'r0', protocolVersion: '1.0' });
  expect(agent.events.at(-1)).toMatchObject({ outcome: { type: 'success' }, result: { bytes: 14 } });
  expect(JSON.stringify(agent.events)).not.toContain('null');
});

test.each([0, 1, 2, 3, 4])('P-1 connect after %i words shows the thread and the whole answer once', async (after) => {
  await using gateway = await start();
  const words = ['one ', 'two ', 'three ', '👋'];
  const first = gateway.agent('c1');
  first.addMessage(user('m1', 'Hello'));
  const ran = first.runAgent({ runId: 'r1' });
  const run = await gateway.run(0);
  for (const word of words.slice(0, after)) await run.say(word);
  await waitFor(() => first.text === words.slice(0, after).join(''));
  const tabs = [gateway.agent('c1', 'connect'), gateway.agent('c1', 'connect')];
  // One of them still shows the half that it had.
  tabs[0]!.setMessages(structuredClone(first.messages));
  const connected = tabs.map((tab) => tab.runAgent());
  await waitFor(() => tabs.every(({ types }) => types.includes('TEXT_MESSAGE_START')));
  await finish(run, words.slice(after));
  await Promise.all([ran, ...connected]);
  for (const tab of tabs) {
    expect(tab.messages).toMatchObject([
      { id: 'm1', content: 'Hello' },
      { id: 'r1', role: 'assistant', content: words.join('') },
    ]);
    expect(tab.events[0]).toMatchObject({ type: 'RUN_STARTED', runId: 'r1' });
    expect(tab.types.slice(0, 3)).toEqual(['RUN_STARTED', 'MESSAGES_SNAPSHOT', 'TEXT_MESSAGE_START']);
  }
});

test('connect of an idle thread is the thread; of one that is not there, an empty one', async () => {
  await using gateway = await start();
  const types = ['RUN_STARTED', 'MESSAGES_SNAPSHOT', 'RUN_FINISHED'];
  const empty = gateway.agent('c1', 'connect');
  await empty.runAgent();
  expect([empty.types, empty.messages]).toEqual([types, []]);
  const agent = gateway.agent('c1');
  agent.addMessage(user('m1', 'Hello'));
  const ran = agent.runAgent({ runId: 'r1' });
  await finish(await gateway.run(0));
  await ran;
  const idle = gateway.agent('c1', 'connect');
  await idle.runAgent();
  expect([idle.types, idle.messages.map(({ id }) => id)]).toEqual([types, ['m1', 'r1']]);
});

test('an answer that begins again takes the place of what was shown', async () => {
  await using gateway = await start();
  const agent = gateway.agent('c1');
  agent.addMessage(user('m1', 'Hello'));
  const ran = agent.runAgent({ runId: 'r1' });
  const run = await gateway.run(0);
  await run.say('wrong ');
  await waitFor(() => agent.text === 'wrong ');
  await run.restart();
  await finish(run);
  await ran;
  expect(agent.messages).toMatchObject([{ id: 'm1' }, { id: 'r1', content: 'Xin chào 👋' }]);
});

test('W-4 a known run is joined, and the same message joins its run; what is half shown is not doubled', async () => {
  await using gateway = await start();
  const agent = gateway.agent('c1');
  agent.addMessage(user('m1', 'Hello'));
  const ran = agent.runAgent({ runId: 'r1' });
  const run = await gateway.run(0);
  await run.say('Xin ');
  await waitFor(() => agent.text === 'Xin ');
  const byMessage = gateway.agent('c1');
  byMessage.addMessage(user('m1', 'Hello'));
  const byRun = gateway.agent('c1');
  byRun.setMessages(structuredClone(agent.messages));
  const joined = [byMessage.runAgent({ runId: 'r2' }), byRun.runAgent({ runId: 'r1' })];
  await waitFor(() => [byMessage, byRun].every(({ types }) => types.includes('TEXT_MESSAGE_START')));
  await finish(run, ['chào ', '👋']);
  await Promise.all([ran, ...joined]);
  for (const { messages } of [byMessage, byRun]) expect(messages).toMatchObject([{ id: 'm1' }, { id: 'r1', content: 'Xin chào 👋' }]);
  expect(gateway.runs).toHaveLength(1);
});

test('W-10 a stopped run is cancelled, a failed one an error; only the named run is stopped', async () => {
  await using gateway = await start();
  const agent = gateway.agent('c1');
  agent.addMessage(user('m1', 'Hello'));
  const ran = agent.runAgent({ runId: 'r1' });
  const run = await gateway.run(0);
  await run.say('half');
  expect((await gateway.post('agent/default/stop/c1', { runId: 'other' })).status).toBe(404);
  expect((await gateway.post('agent/default/stop/c1', {}, 'bob')).status).toBe(403);
  expect(await (await gateway.post('agent/default/stop/c1', { runId: 'r1' })).json()).toEqual({ stopped: true });
  await ran;
  expect(agent.events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } });
  expect(agent.text).toBe('half');
  expect(await (await gateway.post('agent/default/stop/c1', {})).json()).toEqual({ stopped: false });

  const failing = gateway.agent('c2');
  failing.addMessage(user('m1', 'Hello'));
  const failed = failing.runAgent({ runId: 'r2' }).catch(() => undefined);
  await (await gateway.run(1)).end({ reason: 'failed', error: { code: 'model-failed', message: 'It broke.' } });
  await failed;
  expect(failing.events.at(-1)).toMatchObject({ type: 'RUN_ERROR', message: 'It broke.', code: 'model-failed' });
});

test('closing is not stopping: an agent that is aborted leaves, and the answer goes on', async () => {
  await using gateway = await start();
  const agent = gateway.agent('c1');
  agent.addMessage(user('m1', 'Hello'));
  const ran = agent.runAgent({ runId: 'r1' }).catch(() => undefined);
  const run = await gateway.run(0);
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 1);
  agent.abortRun();
  await ran;
  await waitFor(async () => (await gateway.metric('runnel_gateway_dialect_streams')) === 0);
  expect(await run.say('on')).toBe('appended');
});

test.each([
  ['an agent nobody has', 'agent/none/run', {}, 404],
  ['an agent nobody has', 'agent/none/connect', {}, 404],
  ['a thread id outside the alphabet', 'agent/default/run', { threadId: 'a b' }, 400],
  ['a run id outside the alphabet', 'agent/default/connect', { runId: 'a b' }, 400],
  ['a message id outside the alphabet', 'agent/default/run', { messages: [user('m 1', 'Hello')] }, 400],
  ['nothing to answer', 'agent/default/run', { messages: [] }, 400],
  ['a picture', 'agent/default/run', { messages: [{ id: 'm', role: 'user', content: [{ type: 'image' }] }] }, 400],
  ['an answer to no question', 'agent/default/run', { resume: [{ interruptId: 'x', status: 'resolved' }] }, 400],
  ['a thread that is not there', 'agent/default/stop/c9', {}, 404],
] as const)('%s is refused with a problem: %s', async (_name, path, change, status) => {
  await using gateway = await start();
  const input = path.includes('stop') ? change : { threadId: 'c1', runId: 'r1', messages: [user('m1', 'Hello')], ...change };
  const response = await gateway.post(path, input);
  expect([response.status, response.headers.get('content-type')]).toEqual([status, PROBLEM]);
  expect(gateway.runs).toEqual([]);
});

test('a second run in a thread is 409 before any event, and names of conversation and run are told', async () => {
  await using gateway = await start();
  const first = await gateway.post(`agent/${MODEL}/run`, { threadId: 'c1', runId: 'r1', messages: [user('m1', 'Hello')] });
  expect(Object.fromEntries(first.headers)).toMatchObject({ 'x-runnel-conversation': 'c1', 'x-runnel-run': 'r1' });
  const busy = await gateway.post('agent/default/run', { threadId: 'c1', runId: 'r2', messages: [user('m2', 'Else')] });
  expect([busy.status, busy.headers.get('content-type')]).toEqual([409, PROBLEM]);
  await gateway.runs[0]!.end();
  await first.text();
});

test('info names each model as an agent, and the default', async () => {
  await using gateway = await start();
  const info = (await (await fetch(`${gateway.api}/info?user_id=ann`)).json()) as { mode: string; agents: object };
  expect([info.mode, Object.keys(info.agents)]).toEqual(['sse', ['default', MODEL]]);
});
