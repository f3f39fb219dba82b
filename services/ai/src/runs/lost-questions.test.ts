import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { createInnerToken, waitFor } from '@runnel/kit';
import { isWaiting, RunnelError, type Message, type Part } from '@runnel/protocol';
import type { ParkedRun } from '@runnel/protocol/http';
import { expect, onTestFinished, test } from 'vitest';
import { modelsOf, prompt, startPod } from '../../testing/pods.ts';
import type { ChatProvider, Delta } from '../models/provider.ts';
import type { Call, Tool, Toolbox } from '../tools/toolbox.ts';
import { createStoredEnds } from './stored-ends.ts';

const tool = (name: string, change: Partial<Tool> = {}): Tool => ({
  ...{ server: 's', name, policy: 'never', repeatable: false, check: () => null },
  spec: { name: `s__${name}`, description: '', parameters: {} },
  ...change,
});
const TOOLS = [tool('do'), tool('act', { policy: 'ask' }), tool('send', { policy: 'ask', repeatable: true })];
const NAMES = ['do', 'act', 'send'];

/** Says something, calls three tools side by side, two of which ask, and is done when it has heard of them. */
const provider: ChatProvider = {
  canContinue: true,
  async *stream({ messages }): AsyncGenerator<Delta> {
    if (messages.some(({ turn }) => turn?.role === 'tool')) return yield { text: 'Over.' };
    yield { text: 'First. ' };
    yield* NAMES.map((name): Delta => ({ call: { key: name, id: name, name: `s__${name}`, input: `{"label":"${name}"}` } }));
  },
};
const WRITES = new Set(['appendChunk', 'putPart', 'appendPartChunk', 'claimRun']);

/** An answer that waits for two decisions, the copies of its store after each write before, and a database that has `stored` of it. */
const world = async () => {
  let ahead = 0;
  const store = new MemoryStore(() => Date.now() + ahead, 1_000);
  const plain = createMemoryRunLog({ store });
  const copies: ReturnType<MemoryStore['copy']>[] = [];
  /** `refused`: the store does not take what it has. */
  const database: { parked?: ParkedRun; messages: Message[]; away: boolean; refused?: true } = { messages: [], away: false };
  const runLog = new Proxy(plain, {
    get: (target, name: keyof RunLog & string) => {
      if (name === 'restoreRun' && database.refused) return () => Promise.reject(new RunnelError('unavailable'));
      if (!WRITES.has(name)) return target[name];
      return async (command: never) => {
        const result = await (target[name] as (given: unknown) => Promise<unknown>)(command);
        copies.push(store.copy());
        return result;
      };
    },
  });
  const made: Call[] = [];
  const tools: Toolbox = {
    list: async () => TOOLS,
    async call(call) {
      if (!(await call.permit!())) return { ok: false, code: 'cancelled', message: '' };
      made.push(call);
      return { ok: true, output: `made ${call.tool.name}`, sources: [] };
    },
    close: async () => undefined,
  };
  const bare = modelsOf({ m: provider });
  const get = (id: string) => {
    const model = bare.get(id);
    return model && { ...model, info: { ...model.info, tools: true } };
  };
  const fetch = async () => {
    if (database.away) throw new Error('refused');
    const { parked, messages } = database;
    return Response.json({ messages, hasMore: false, ...(parked && { parked }) });
  };
  const token = createInnerToken({ given: 'a-token-between-services' });
  const archive = createStoredEnds({ url: 'http://audit:1', token, fetch, patienceMs: 30_000 });
  const pod = (name: string) => startPod(name, runLog, { tools, models: { ...bare, get }, archive });

  const run = await prompt(plain, 'hi', { model: 'm', conversationId: `c${++worlds}` });
  copies.push(store.copy());
  const first = await pod('first');
  await first.take(run);
  const kept = () => store.runOf(run.conversationId, run.runId);
  await waitFor(() => kept()?.waiting != null && first.size === 0);
  const { parentId, model, startedAt, epoch, text, parts, waiting } = structuredClone(kept()!);
  const parked: ParkedRun = {
    ...{ runId: run.runId, parentId, model, startedAt, epoch, claims: epoch, text, partIds: [...waiting!], parts },
    used: { usage: { promptTokens: 5, completionTokens: 2 }, bytes: Buffer.byteLength(text) },
  };
  database.parked = parked;
  const before = copies.splice(0);
  onTestFinished(() => void (database.away = true));
  return {
    ...{ store, runLog: plain, run, made, database, parked, pod, first, kept, copies: before },
    /** The store as it was, once whoever lives has had the time to write again what it knows. */
    goBack(copy: (typeof before)[number]): void {
      store.goBack(copy);
      store.raise();
      ahead += 5_000;
    },
    async decide(): Promise<void> {
      for (const expected of kept()!.parts.filter(isWaiting)) {
        const decision = expected.state === 'unknown' ? ('retry' as const) : ('approve' as const);
        const part: Part = { ...expected, state: 'approved', approval: { policy: 'ask', decision: 'approved' } };
        expect(await plain.decidePart({ ...run, userId: 'user', decision, expected, part })).toMatchObject({ outcome: 'decided' });
      }
    },
    ended: () => waitFor(() => store.conversations.get(run.conversationId)?.messages.get(run.runId)),
  };
};
let worlds = 0;
type World = Awaited<ReturnType<typeof world>>;

const again = ({ kept }: World) =>
  waitFor(() => (kept()?.status === 'running' && kept()?.waiting != null ? structuredClone(kept()!) : undefined), {
    what: 'the run to wait again',
  });
const madeOf = ({ made }: World): string[] => made.map(({ tool: { name }, attempt }) => `${name} ${attempt}`).toSorted();

test('W-17 W-19 whatever of an answer the store has lost before its question, the same is asked again and each call is made once', async () => {
  const { copies } = await world();
  expect(copies.length).toBeGreaterThan(8);
  for (let at = 0; at < copies.length; at++) {
    const one = await world();
    await one.pod('second');
    const copy = one.copies[Math.min(at, one.copies.length - 1)]!;
    one.goBack(copy);
    const { text, parts, waiting, epoch } = await again(one);
    expect({ at, text, parts, waiting }).toEqual({ at, text: one.parked.text, parts: one.parked.parts, waiting: one.parked.partIds });
    expect(epoch).toBeGreaterThan(one.parked.claims + 15);
    await one.decide();
    expect(await one.ended()).toMatchObject({ text: 'First. Over.', status: 'complete' });
    expect(madeOf(one)).toEqual(['act 1', 'do 1', 'send 1']);
  }
}, 60_000);

/** What the database has heard of the person's decisions, and perhaps of what came of them. */
const heard = (one: World, states: Readonly<Record<string, Part['state']>>): void => {
  const parts = one.parked.parts.map((part) => {
    const state = states[part.name!] ?? part.state;
    return { ...part, state, ...(state === 'running' && { attempt: 1 }) };
  });
  one.database.parked = { ...one.parked, claims: 4, parts };
};

test.each([
  [{ act: 'approved' }, ['act unknown', 'send waiting'], ['act 2', 'send 1']],
  // It may be repeated, and the answer may have ended since: nothing is done or said before a person says so.
  [{ act: 'approved', send: 'approved' }, ['act unknown', 'send unknown'], ['act 2', 'send 2']],
  [{ act: 'denied', send: 'running' }, ['act denied', 'send unknown'], ['send 2']],
] as const)(
  'W-19 what was approved in the lost tail counts as called, and is called again when a person says so: %j',
  async (states, asked, calls) => {
    const one = await world();
    heard(one, states);
    one.goBack(one.copies.at(-1)!);
    const { parts, epoch } = await again(one);
    expect(parts.map(({ name, state }) => `${name} ${state}`)).toEqual(['do done', ...asked]);
    expect([madeOf(one), epoch]).toEqual([['do 1'], 20]);
    await one.decide();
    expect(await one.ended()).toMatchObject({ text: 'First. Over.', status: 'complete' });
    expect(madeOf(one)).toEqual([...calls, 'do 1'].toSorted());
  },
);

test('P-2 where all is decided and done the answer may have ended: no model is asked, and all that is known stays', async () => {
  const one = await world();
  heard(one, { act: 'denied', send: 'done' });
  one.goBack(one.copies[1]!);
  const { text, status, parts } = await one.ended();
  expect([text, status]).toEqual([one.parked.text, 'interrupted']);
  expect(parts!.map(({ state }) => state)).toEqual(['done', 'denied', 'done']);
  expect(madeOf(one)).toEqual(['do 1']);
});

test('W-18 the input that was shown is asked again, and is what the tools are called with', async () => {
  const one = await world();
  one.goBack(one.copies[3]!);
  const { parts } = await again(one);
  expect(parts.map(({ input }) => input)).toEqual(NAMES.map((name) => `{"label":"${name}"}`));
  await one.decide();
  await one.ended();
  expect(one.made.map(({ input }) => input)).toEqual(expect.arrayContaining(NAMES.map((label) => ({ label }))));
});

test('P-10 while the database is away or late the answer ends `interrupted` with what stands, and nothing is called', async () => {
  for (const how of ['away', 'late'] as const) {
    const one = await world();
    if (how === 'away') one.database.away = true;
    else delete one.database.parked;
    one.goBack(one.copies.at(-1)!);
    expect(await one.ended()).toMatchObject({ status: 'interrupted' });
    expect(madeOf(one)).toEqual(['do 1']);
  }
});

test('W-19 where the store cannot be told what the database has, the answer ends `interrupted`, and no call is made again', async () => {
  for (const state of [undefined, 'ready']) {
    const one = await world();
    one.database.refused = true;
    one.goBack(one.copies.find(({ runs }) => [...runs.values()][0]?.parts[0]?.state === state)!);
    await waitFor(() => one.kept()?.status === 'interrupted' || one.made.length > 1 || one.kept()?.waiting != null);
    expect(madeOf(one)).toEqual(['do 1']);
    expect(await one.ended()).toMatchObject({ status: 'interrupted' });
  }
});

test('B4 an end that the database has counts more than what it waited for', async () => {
  const one = await world();
  const { runId, parentId, startedAt } = one.parked;
  one.database.messages = [{ messageId: runId, parentId, role: 'assistant', text: 'whole', status: 'complete', createdAt: startedAt }];
  one.goBack(one.copies.at(-1)!);
  expect(await one.ended()).toMatchObject({ text: 'whole', status: 'complete' });
  expect(madeOf(one)).toEqual(['do 1']);
});

test('P-5 a cancel that the copy has ends it with all that was shown', async () => {
  const one = await world();
  one.goBack(one.copies[2]!);
  await one.runLog.cancelRun({ ...one.run, userId: 'user' });
  expect(await one.ended()).toMatchObject({ text: one.parked.text, status: 'cancelled' });
  expect(madeOf(one)).toEqual(['do 1']);
});

test('W-17 it is counted, and no repair of an end', async () => {
  const one = await world();
  one.goBack(one.copies.at(-1)!);
  await again(one);
  expect(await one.first.metricsText()).toContain('runnel_ai_end_repairs_total{outcome="waits",service="ai"} 1');
});
