import { HttpAgent, type BaseEvent } from '@ag-ui/client';
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

const start = async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  onTestFinished(() => gateway.close());
  const api = `${gateway.url}/api/ag-ui/agent/default`;
  const agent = (action = 'run') => {
    const made = new HttpAgent({ url: `${api}/${action}?user_id=ann`, threadId: 'c1' });
    const events: BaseEvent[] = [];
    made.subscribe({ onEvent: ({ event }) => void events.push(event) });
    return Object.assign(made, { events });
  };
  const post = (body: object) =>
    fetch(`${api}/run?user_id=ann`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ threadId: 'c1', runId: 'r9', messages: [], ...body }),
    });
  return { ...gateway, agent, post, runs: pod.runs, run: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]) };
};
const typesOf = (events: readonly BaseEvent[]): string[] =>
  events.map(({ type }) => String(type)).filter((type, index, all) => type !== all[index - 1]);

const INPUT = '{ "path": "/a" }';

const untilAsked = async (run: ScriptRun): Promise<void> => {
  await run.parts.put({ partId: 'p0', text: '' });
  await run.parts.stream('p0', 'text', 'hm');
  await run.parts.put({ partId: 'p0', state: 'done' });
  await run.say('one ');
  await run.parts.put({ partId: 'p1', kind: 'tool', name: 'delete', server: 'demo', state: 'input', input: '' });
  await run.parts.stream('p1', 'input', INPUT.slice(0, 4));
  await run.parts.stream('p1', 'input', INPUT.slice(4));
  await run.parts.put({ partId: 'p1', state: 'waiting', approval: { policy: 'ask' } });
  expect(await run.parts.park(['p1'])).toBe('parked');
};
const asked = async (w: Awaited<ReturnType<typeof start>>) => {
  const agent = w.agent();
  agent.addMessage({ id: 'm1', role: 'user', content: 'Delete it' });
  const ran = agent.runAgent({ runId: 'r1' });
  await untilAsked(await w.run(0));
  await ran;
  return agent;
};
const CALL = { id: 'p1', type: 'function', function: { name: 'delete', arguments: INPUT } };

test('W-18 a call interrupts its run, another page sees it, the answer resumes it under the same message', async () => {
  const w = await start();
  const agent = await asked(w);
  expect(typesOf(agent.events)).toEqual([
    ...['RUN_STARTED', 'REASONING_START', 'REASONING_MESSAGE_START', 'REASONING_MESSAGE_CONTENT', 'REASONING_MESSAGE_END', 'REASONING_END'],
    ...['TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END', 'TOOL_CALL_START', 'TOOL_CALL_ARGS', 'TOOL_CALL_END'],
    'RUN_FINISHED',
  ]);
  const interrupt = { id: 'p1', reason: 'tool_call', toolCallId: 'p1' };
  expect(agent.events.at(-1)).toMatchObject({ outcome: { type: 'interrupt', interrupts: [interrupt] } });
  const before = [
    { id: 'm1', role: 'user' },
    { id: 'p0', role: 'reasoning', content: 'hm' },
    { id: 'r1', role: 'assistant', content: 'one ', toolCalls: [CALL] },
  ];
  expect(agent.messages).toMatchObject(before);

  const other = w.agent('connect');
  await other.runAgent();
  expect(other.messages).toMatchObject(before);
  expect(other.events.at(-1)).toMatchObject({ outcome: { type: 'interrupt', interrupts: [interrupt] } });

  const here = w.agent();
  here.setMessages(other.messages);
  const resume = [{ interruptId: 'p1', status: 'resolved' as const, payload: { approved: true, reason: 'carefully' } }];
  const resumed = here.runAgent({ runId: 'r2', resume });
  const next = await w.run(1);
  expect(next.parts.parts[1]).toMatchObject({ state: 'approved', note: 'carefully' });
  await next.parts.put({ partId: 'p1', state: 'running', attempt: 1 });
  await next.parts.stream('p1', 'output', 'gone');
  await next.parts.put({ partId: 'p1', state: 'done' });
  await next.say('two');
  await next.end({ finish: 'stop' });
  await resumed;
  expect(here.events[0]).toMatchObject({ type: 'RUN_STARTED', runId: 'r2' });
  expect(here.events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', runId: 'r2', outcome: { type: 'success' } });
  const after = [...before.slice(0, 2), { ...before[2], content: 'one two' }, { role: 'tool', toolCallId: 'p1', content: 'gone' }];
  expect(here.messages).toMatchObject(after);

  // An idle thread tells it all, and the same answer once more changes nothing.
  const idle = w.agent('connect');
  await idle.runAgent();
  expect(idle.messages).toMatchObject(after);
  const again = await w.post({ resume });
  expect(await again.text()).toContain('RUN_FINISHED');
  expect(w.runs).toHaveLength(2);
});

test.each([
  ['other arguments than were shown', { messages: [{ role: 'assistant', toolCalls: [{ ...CALL, function: { arguments: '{}' } }] }] }, 200],
  ['no arguments that were shown', {}, 400],
  ['a text', { payload: 'yes' }, 400],
  ['other arguments than the model wrote', { payload: { approved: true, editedArgs: {} } }, 400],
  ['nothing', { payload: {} }, 400],
] as const)('W-18 an answer with %s makes no call', async (_name, change, status) => {
  const w = await start();
  await asked(w);
  const { messages = [], payload = { approved: true } } = change as { messages?: object[]; payload?: unknown };
  const answer = await w.post({ messages, resume: [{ interruptId: 'p1', status: 'resolved', payload }] });
  expect([answer.status, (await answer.text()).includes('"interrupt"')]).toEqual([status, status === 200]);
  expect(w.runs).toHaveLength(1);
});

test('a question interrupts, a text answers it, and a cancelled entry says no', async () => {
  const w = await start();
  const agent = w.agent();
  agent.addMessage({ id: 'm1', role: 'user', content: 'Which?' });
  const ran = agent.runAgent({ runId: 'r1' });
  const run = await w.run(0);
  await run.parts.put({ partId: 'q0', kind: 'question', state: 'waiting', text: 'Red?', choices: ['yes', 'no'] });
  await run.parts.put({ partId: 'p1', kind: 'tool', name: 'delete', state: 'input', input: '' });
  await run.parts.put({ partId: 'p1', state: 'waiting', approval: { policy: 'ask' } });
  await run.parts.park(['q0', 'p1']);
  await ran;
  const [question, call] = (agent.events.at(-1) as BaseEvent & { outcome: { interrupts: object[] } }).outcome.interrupts;
  expect(question).toMatchObject({ id: 'q0', reason: 'input_required', message: 'Red?', responseSchema: { enum: ['yes', 'no'] } });
  expect(call).toMatchObject({ id: 'p1' });
  const resumed = agent.runAgent({
    runId: 'r2',
    resume: [
      { interruptId: 'q0', status: 'resolved', payload: 'yes' },
      { interruptId: 'p1', status: 'cancelled' },
    ],
  });
  const next = await w.run(1);
  expect(next.parts.parts).toMatchObject([{ state: 'answered', answer: 'yes' }, { state: 'denied' }]);
  await next.end({ finish: 'stop' });
  await resumed;
  expect(agent.messages.filter(({ role }) => role === 'tool')).toMatchObject([{ toolCallId: 'q0', content: 'yes' }, { toolCallId: 'p1' }]);
});
