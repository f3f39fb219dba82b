import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

// Threads as any client of the protocol sends them, by hand, and the events as they are on the wire.

const start = async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  onTestFinished(() => gateway.close());
  const post = (path: string, body: object) =>
    fetch(`${gateway.url}/api/ag-ui/agent/default/${path}?user_id=ann`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      // What the client sends beside it.
      body: JSON.stringify(
        path.startsWith('stop') ? body : { threadId: 'c1', state: {}, tools: [], context: [], forwardedProps: {}, ...body },
      ),
    });
  return { ...gateway, post, runs: pod.runs, run: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]) };
};

interface Event extends Record<string, unknown> {
  type: string;
}
const eventsOf = (text: string): Event[] => [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json!) as Event);
const user = (id: string, content: unknown) => ({ id, role: 'user', content });
const finish = async (run: ScriptRun, words = ['Xin ', 'chào']): Promise<void> => {
  for (const word of words) await run.say(word);
  await run.end({ finish: 'stop' });
};

test('an answer that begins again: its message ends, the thread is told, and the message begins under the same id', async () => {
  const t = await start();
  const asked = await t.post('run', { runId: 'r1', messages: [user('m1', 'Hello')] });
  const run = await t.run(0);
  await run.say('wrong ');
  const reader = asked.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('wrong')) text += (await reader.read()).value;
  await run.restart();
  await finish(run, ['right']);
  for (let next = await reader.read(); !next.done; next = await reader.read()) text += next.value;
  const events = eventsOf(text);
  expect(events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])).toEqual([
    ...['RUN_STARTED', 'TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END', 'MESSAGES_SNAPSHOT', 'TEXT_MESSAGE_START'],
    ...['TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END', 'RUN_FINISHED'],
  ]);
  for (const event of events.filter(({ type }) => type.startsWith('TEXT_MESSAGE'))) expect(event).toMatchObject({ messageId: 'r1' });
  expect(text).not.toContain('null');
});

test('earlier messages are the beginning of a new thread, in order; of one that exists only the last counts', async () => {
  const t = await start();
  const earlier = [
    { id: 's', role: 'system', content: 'Be kind.' },
    user('m1', 'One'),
    { id: 'a1', role: 'assistant', content: 'Two' },
    { id: 't1', role: 'tool', toolCallId: 'x', content: 'passed over' },
  ];
  const first = await t.post('run', { runId: 'r1', messages: [...earlier, user('m2', [{ type: 'text', text: 'Three' }])] });
  await finish(await t.run(0));
  await first.text();
  const told = ({ messages }: ScriptRun) => messages.map(({ role, text }) => `${role} ${text}`);
  expect(told(t.runs[0]!)).toEqual(['system Be kind.', 'user One', 'assistant Two', 'user Three']);
  const next = await t.post('run', { runId: 'r2', messages: [user('x', 'Made up'), user('m3', 'Four')] });
  await finish(await t.run(1));
  await next.text();
  expect(told(t.runs[1]!).slice(3)).toEqual(['user Three', 'assistant Xin chào', 'user Four']);
  // Another text under a known id: beside it, not behind it.
  const edited = await t.post('run', { runId: 'r3', messages: [user('m3', 'Five')] });
  await finish(await t.run(2));
  await edited.text();
  expect(told(t.runs[2]!).slice(3)).toEqual(['user Three', 'assistant Xin chào', 'user Five']);
});

test('connect tells the thread with half an answer under its id, then the rest, and names the run that writes it', async () => {
  const t = await start();
  void t.post('run', { runId: 'r1', messages: [user('m1', 'Hello')] });
  const run = await t.run(0);
  await run.say('half ');
  const connected = await t.post('connect', { runId: 'mine', messages: [] });
  expect(Object.fromEntries(connected.headers)).toMatchObject({ 'x-runnel-conversation': 'c1', 'x-runnel-run': 'r1' });
  await finish(run, ['and half']);
  const events = eventsOf(await connected.text());
  expect(events[0]).toEqual({ type: 'RUN_STARTED', threadId: 'c1', runId: 'r1', protocolVersion: '1.0' });
  const { messages } = events[1] as Event & { messages: { id: string; content: string }[] };
  expect(events[1]!.type).toBe('MESSAGES_SNAPSHOT');
  expect(messages.map(({ id }) => id)).toEqual(['m1', 'r1']);
  expect(events[2]).toMatchObject({ type: 'TEXT_MESSAGE_START', messageId: 'r1' });
  const tail = events.filter(({ type }) => type === 'TEXT_MESSAGE_CONTENT').map(({ delta }) => delta);
  expect(messages[1]!.content + tail.join('')).toBe('half and half');
  expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', threadId: 'c1', runId: 'r1', outcome: { type: 'success' } });
});

test('a known run is joined whatever the messages are, running or ended; one run is told in a response', async () => {
  const t = await start();
  const first = t.post('run', { runId: 'r1', messages: [user('m1', 'Hello')] });
  const run = await t.run(0);
  await run.say('one ');
  const joined = [
    t.post('run', { runId: 'r1', messages: [] }),
    t.post('run', { runId: 'r1', messages: [user('m1', 'Hello')] }),
    t.post('run', { runId: 'r1', messages: [user('m9', 'Another id')] }),
  ];
  const answers = await Promise.all([first, ...joined]);
  await finish(run, ['two']);
  for (const answer of [...answers, await t.post('run', { runId: 'r1', messages: [] })]) {
    const types = eventsOf(await answer.text()).map(({ type }) => type);
    expect(types.filter((type) => type === 'RUN_STARTED' || type === 'RUN_FINISHED')).toEqual(['RUN_STARTED', 'RUN_FINISHED']);
  }
  expect(t.runs).toHaveLength(1);
});

test('stop without a body stops what runs; info is as CopilotKit’s runtime tells it', async () => {
  const t = await start();
  void t.post('run', { runId: 'r1', messages: [user('m1', 'Hello')] });
  await t.run(0);
  const stopped = await fetch(`${t.url}/api/ag-ui/agent/${MODEL}/stop/c1?user_id=ann`, { method: 'POST' });
  expect([stopped.status, await stopped.json()]).toEqual([200, { stopped: true }]);
  expect(await t.runs[0]!.say('more')).not.toBe('appended');
  const info = (await (await fetch(`${t.url}/api/ag-ui/info?user_id=ann`)).json()) as object;
  const agent = { name: expect.any(String), description: expect.any(String) };
  expect(info).toEqual({ version: expect.any(String), mode: 'sse', agents: { default: agent, [MODEL]: agent } });
});
