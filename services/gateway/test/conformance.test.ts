import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { brokenCases, caseOf, normal, type Case, type Event } from '../testing/conformance.ts';
import { scriptPod, type ScriptRun } from '../testing/http/script-pod.ts';
import { startGateway } from '../testing/test-gateway.ts';

const FILE = join(import.meta.dirname, '../../../clients/conformance/cases.jsonl');

/** A conversation of ann, and readers that keep what they are told. */
const world = async () => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, () => undefined);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  onTestFinished(() => gateway.close());
  const logIds: string[] = [];
  const reader = async (cursor?: { logId: string; offset: number }) => {
    const client = await gateway.connect({ query: { user_id: 'ann' } });
    client.send({ type: 'follow', id: 'f', conversationId: 'c1', ...(cursor && { cursor }) });
    await client.next('live');
    const events = (): Event[] =>
      client.raw
        .map((line) => JSON.parse(line) as Event)
        .filter((event) => 'conversationId' in event && 'offset' in event)
        .map((event) => normal(event, logIds));
    return {
      client,
      events,
      until: async (type: string): Promise<Event[]> => {
        await waitFor(() => events().some((event) => event.type === type));
        return events();
      },
    };
  };
  const first = await reader();
  first.client.send({ type: 'prompt', id: 'p', conversationId: 'c1', messageId: 'm1', runId: 'r1', text: 'Chào' });
  const run: ScriptRun = await waitFor(() => pod.runs[0]);
  return { ...gateway, pod, first, reader, run, next: (n: number): Promise<ScriptRun> => waitFor(() => pod.runs[n]) };
};

const WORDS = ['Xin ', 'chào ', 'thế giới ', '👋🏽'];

const plain = async (): Promise<Case[]> => {
  const w = await world();
  await w.run.say(WORDS[0]!);
  await w.run.say(WORDS[1]!);
  const late = await w.reader();
  const cut = late.events().find((event) => event.type === 'snapshot')!;
  for (const word of WORDS.slice(2)) await w.run.say(word);
  await w.run.end({ finish: 'stop', usage: { promptTokens: 1, completionTokens: 4 } });
  const whole = await w.first.until('run-ended');
  const cases = [
    caseOf('P-1 an answer from its first word to its proof', whole),
    caseOf('P-6 a reload in the middle', await late.until('run-ended')),
  ];
  expect(cut).toMatchObject({ run: { text: 'Xin chào ' } });
  const later = await w.reader();
  cases.push(caseOf('W-11 a snapshot behind the end holds the message', later.events()));
  w.first.client.send({ type: 'delete', id: 'd', conversationId: 'c1', messageId: 'r1' });
  cases.push(caseOf('a message is deleted', await w.first.until('message-deleted')));
  return cases;
};

const moved = async (): Promise<Case[]> => {
  const w = await world();
  await w.run.say('wrong ');
  await w.run.restart();
  await w.run.say('right 👋');
  await w.run.end({ finish: 'stop' });
  return [caseOf('an answer that has to begin again on another pod', await w.first.until('run-ended'))];
};

const stopped = async (): Promise<Case[]> => {
  const w = await world();
  await w.run.say('half');
  w.first.client.send({ type: 'cancel', id: 'x', conversationId: 'c1', runId: 'r1' });
  return [caseOf('P-5 a cancelled answer keeps its words', await w.first.until('run-ended'))];
};

const withParts = async (): Promise<{ cases: Case[]; whole: Event[] }> => {
  const w = await world();
  await w.run.parts.put({ partId: 'p0', text: '' });
  for (const piece of ['nghĩ ', 'và ', 'nghĩ']) await w.run.parts.stream('p0', 'text', piece);
  await w.run.parts.put({ partId: 'p0', state: 'done' });
  await w.run.say('một ');
  await w.run.parts.put({ partId: 'p1', kind: 'tool', name: 'count', server: 'demo', state: 'input', input: '' });
  for (const piece of ['{"n"', ':1}']) await w.run.parts.stream('p1', 'input', piece);
  await w.run.parts.put({ partId: 'p1', state: 'waiting', approval: { policy: 'ask' } });
  await w.run.parts.put({ partId: 'q2', kind: 'question', state: 'waiting', text: 'Thật?', choices: ['có', 'không'] });
  await w.run.parts.park(['p1', 'q2']);
  const waiting = await w.reader();
  const cases = [caseOf('W-17 a reader comes to an answer that waits for people', waiting.events())];
  const decide = (partId: string, decision: string, more: object) =>
    w.first.client.send({ type: 'decide', id: partId, conversationId: 'c1', runId: 'r1', partId, decision, ...more } as never);
  decide('q2', 'answer', { text: 'có' });
  await w.first.client.next('ok', ({ id }) => id === 'q2');
  decide('p1', 'approve', { inputSha256: '2bfd14f43d17fc7cea24e0917a8879b4b2f880b8baeec1b9d90fbaad655e71bd' });
  const next = await w.next(1);
  await next.parts.put({ partId: 'p1', state: 'running', attempt: 1 });
  await next.parts.stream('p1', 'output', '7');
  await next.parts.put({ partId: 'p1', state: 'done' });
  await next.parts.put({ partId: 's3', kind: 'source', state: 'done', url: 'https://a.example/', title: 'A' });
  await next.say('hai');
  await next.end({ finish: 'stop' });
  const whole = await w.first.until('run-ended');
  cases.push(caseOf('W-16 thoughts, a call that was approved, a question and a source, with their proof', whole));
  cases.push(caseOf('W-16 a reader who came to it while it waited proves it, too', await waiting.until('run-ended')));
  return { cases, whole };
};

test('W-10 W-16 the cases of clients/conformance are what real runs tell', async () => {
  const [first, ...others] = await plain();
  const parts = await withParts();
  const whole = first!.steps.map(({ event }) => event);
  const cases = [first!, ...others, ...(await moved()), ...(await stopped()), ...parts.cases, ...brokenCases(whole, parts.whole)];
  const lines = cases.map((one) => `${JSON.stringify(one)}\n`);
  // `RUNNEL_WRITE=1` writes them anew, for a wire that has grown.
  if (process.env['RUNNEL_WRITE'] === '1') await writeFile(FILE, lines.join(''));
  const kept = (await readFile(FILE, 'utf8')).trim().split('\n');
  expect(cases).toEqual(kept.map((line) => JSON.parse(line) as Case));
  const outcomes = cases.flatMap(({ steps }) => steps.map(({ outcome }) => outcome));
  expect(new Set(outcomes)).toEqual(new Set(['snapshot', 'live', 'applied', 'old', 'gap', 'gap-verify']));
  expect(new Set(cases.map(({ expect: { verified } }) => verified))).toEqual(new Set([true, false, null]));
});
