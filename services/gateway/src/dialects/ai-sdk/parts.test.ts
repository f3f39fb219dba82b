import {
  DefaultChatTransport,
  WebSocketChatTransport,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  type UIMessage,
} from 'ai';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import { AiChat, workflowTransport } from '../../../testing/ai-chat.ts';
import { scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

const start = async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  onTestFinished(() => gateway.close());
  const api = `${gateway.url}/api/ai-sdk`;
  const asAnn: typeof fetch = (url, init) => fetch(`${String(url)}${String(url).includes('?') ? '&' : '?'}user_id=ann`, init);
  const transports = {
    default: () => new DefaultChatTransport<UIMessage>({ api, fetch: asAnn }),
    workflow: () => workflowTransport({ api, fetch: asAnn }),
    socket: () =>
      new WebSocketChatTransport<UIMessage>({ url: `${gateway.url.replace('http', 'ws')}/ws/ai-sdk`, params: { user_id: 'ann' } }),
  };
  return { ...gateway, pod, transports, run: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]) };
};

const CALL = { partId: 'p1', kind: 'tool', name: 'delete', server: 'demo', title: 'Delete' } as const;
const INPUT = '{ "path": "/a",  "n": 1.0 }';

/** Thinks, says a word, and asks whether it may. */
const untilAsked = async (run: ScriptRun): Promise<void> => {
  await run.parts.put({ partId: 'p0', text: '' });
  await run.parts.stream('p0', 'text', 'hm, ');
  await run.parts.stream('p0', 'text', 'ế');
  await run.parts.put({ partId: 'p0', state: 'done' });
  await run.say('Ế one ');
  await run.parts.put({ ...CALL, state: 'input', input: '' });
  await run.parts.stream('p1', 'input', INPUT.slice(0, 9));
  await run.parts.stream('p1', 'input', INPUT.slice(9));
  await run.parts.put({ partId: 'p1', state: 'waiting', approval: { policy: 'ask' } });
  expect(await run.parts.park(['p1'])).toBe('parked');
};

/** What a page shows, each part as a line. */
const shown = ({ parts }: UIMessage): string[] =>
  parts.map((part) => {
    if (part.type === 'text' || part.type === 'reasoning') return `${part.type} ${part.state}: ${part.text}`;
    if (!isToolUIPart(part)) return part.type;
    const said = 'output' in part && part.output !== undefined ? ` ${JSON.stringify(part.output)}` : '';
    return `${part.type === 'dynamic-tool' ? part.toolName : part.type} ${part.state}${said}${part.state === 'output-error' ? ` ${part.errorText}` : ''}`;
  });

const FORMS = ['default', 'workflow', 'socket'] as const;

describe.each(FORMS)('over the %s transport', (form) => {
  test('W-18 thoughts and a call are shown, a person approves it after a reload, and the answer goes on in its message', async () => {
    const w = await start();
    const first = new AiChat('c1', w.transports[form]());
    const sent = first.sendMessage({ text: 'Delete it' });
    const run = await w.run(0);
    await untilAsked(run);
    await sent;
    expect([first.status, first.error]).toEqual(['ready', undefined]);
    const before = ['step-start', 'reasoning done: hm, ế', 'text done: Ế one ', 'delete approval-requested'];
    expect(shown(first.lastMessage!)).toEqual(before);
    expect(first.lastMessage!.parts[3]).toMatchObject({
      toolCallId: 'p1',
      input: { path: '/a', n: 1 },
      title: 'Delete',
      approval: { id: 'p1' },
    });

    // Another page, which had not seen it, is told the same.
    const second = new AiChat('c1', w.transports[form](), first.messages.slice(0, 1));
    await second.resumeStream();
    expect(shown(second.lastMessage!)).toEqual(before);

    await second.addToolApprovalResponse({ id: 'p1', approved: true, reason: 'carefully' });
    const goesOn = second.sendMessage();
    const next = await w.run(1);
    expect(next.parts.parts[1]).toMatchObject({ state: 'approved', note: 'carefully', approval: { decision: 'approved', by: 'ann' } });
    await next.parts.put({ partId: 'p1', state: 'running', attempt: 1 });
    await next.parts.stream('p1', 'output', '{"gone":true}');
    await next.parts.put({ partId: 'p1', state: 'done' });
    await next.parts.put({ partId: 'p2', kind: 'source', state: 'done', url: 'https://a.example/', title: 'A' });
    await next.say('two');
    await next.end({ finish: 'stop' });
    await goesOn;
    const after = [...before.slice(0, 3), 'delete output-available {"gone":true}', 'source-url', 'text done: two'];
    expect([second.status, second.error]).toEqual(['ready', undefined]);
    expect(shown(second.lastMessage!)).toEqual(after);
    expect(second.messages.map(({ id }) => id)).toEqual(first.messages.map(({ id }) => id));
    // Nothing that a page would send by itself.
    expect(lastAssistantMessageIsCompleteWithApprovalResponses({ messages: second.messages })).toBe(false);
  });
});

test('W-18 a call that was shown with another input is not made, and the page sees what it is', async () => {
  const w = await start();
  const chat = new AiChat('c1', w.transports.default());
  const sent = chat.sendMessage({ text: 'Delete it' });
  await untilAsked(await w.run(0));
  await sent;
  const lying = structuredClone(chat.messages);
  for (const part of lying[1]!.parts)
    if (isToolUIPart(part)) Object.assign(part, { input: { path: '/b', n: 1 }, approval: { id: 'p1' }, state: 'approval-requested' });
  const other = new AiChat('c1', w.transports.default(), lying);
  await other.addToolApprovalResponse({ id: 'p1', approved: true });
  await other.sendMessage();
  expect(w.pod.runs).toHaveLength(1);
  expect(shown(other.lastMessage!).at(-1)).toBe('delete approval-requested');
  expect(other.lastMessage!.parts[3]).toMatchObject({ input: { path: '/a', n: 1 } });

  // Without our digest, the same value is the same input.
  const again = await start();
  const third = new AiChat('c1', again.transports.default());
  const asked = third.sendMessage({ text: 'Delete it' });
  await untilAsked(await again.run(0));
  await asked;
  const plain = structuredClone(third.messages);
  for (const part of plain[1]!.parts) if (isToolUIPart(part)) Object.assign(part, { approval: { id: 'p1' } });
  const fourth = new AiChat('c1', again.transports.default(), plain);
  await fourth.addToolApprovalResponse({ id: 'p1', approved: false, reason: 'no' });
  const goesOn = fourth.sendMessage();
  const next = await again.run(1);
  expect(next.parts.parts[1]).toMatchObject({ state: 'denied', note: 'no' });
  await next.end({ finish: 'stop' });
  await goesOn;
  expect(shown(fourth.lastMessage!).at(-1)).toBe('delete output-denied');
});

test('a question is a call that the page answers', async () => {
  const w = await start();
  const chat = new AiChat('c1', w.transports.default());
  const sent = chat.sendMessage({ text: 'Which?' });
  const run = await w.run(0);
  const question: Partial<Part> & { partId: string } = {
    partId: 'q0',
    kind: 'question',
    state: 'waiting',
    text: 'Red?',
    choices: ['yes', 'no'],
  };
  await run.parts.put(question);
  await run.parts.park(['q0']);
  await sent;
  expect(chat.lastMessage!.parts.at(-1)).toMatchObject({
    ...{ type: 'dynamic-tool', toolName: 'ask_person', state: 'input-available' },
    input: { question: 'Red?', choices: ['yes', 'no'] },
  });
  await chat.addToolOutput({ tool: 'ask_person', toolCallId: 'q0', output: 'yes' } as never);
  const goesOn = chat.sendMessage();
  const next = await w.run(1);
  expect(next.parts.parts[0]).toMatchObject({ state: 'answered', answer: 'yes' });
  await next.say('Red it is.');
  await next.end({ finish: 'stop' });
  await goesOn;
  expect(shown(chat.lastMessage!)).toEqual(['step-start', 'ask_person output-available "yes"', 'text done: Red it is.']);
});
