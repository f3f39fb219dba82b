import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { MemoryStore } from '@runnel/coordination/testing';
import { waitFor } from '@runnel/kit';
import { RunnelError, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { modelsOf, prompt, startPod } from '../../testing/pods.ts';
import type { ChatProvider, Delta } from '../models/provider.ts';
import type { Tool, Toolbox } from '../tools/toolbox.ts';

const TOOL: Tool = {
  ...{ server: 's', name: 'do', policy: 'never', repeatable: false, check: () => null },
  spec: { name: 's__do', description: '', parameters: {} },
};

const provider: ChatProvider = {
  canContinue: true,
  async *stream({ messages }): AsyncGenerator<Delta> {
    if (messages.some(({ turn }) => turn?.role === 'tool')) return yield { text: 'Over.' };
    yield { text: 'First. ' };
    yield { call: { key: 'do', id: 'do', name: 's__do', input: '{}' } };
  },
};
const WRITES: ReadonlySet<string> = new Set([
  'claimRun',
  'appendChunk',
  'putPart',
  'appendPartChunk',
  'renewLeases',
  'restoreRun',
  'parkRun',
  'endRun',
]);

/** An owner that made a call, and hears of no store from then on; and the copies of its store after each of its writes. */
const world = async () => {
  let ahead = 0;
  const store = new MemoryStore(() => Date.now() + ahead, 1_000);
  const plain = createMemoryRunLog({ store });
  const copies: ReturnType<MemoryStore['copy']>[] = [];
  let isLate = false;
  const runLog = new Proxy(plain, {
    get: (target, name: keyof RunLog & string) => {
      if (!WRITES.has(name)) return target[name];
      return async (command: never) => {
        if (isLate) throw new RunnelError('unavailable');
        const result = await (target[name] as (given: unknown) => Promise<unknown>)(command);
        copies.push(store.copy());
        return result;
      };
    },
  });
  const made: string[] = [];
  const toolsOf = (name: string): Toolbox => ({
    list: async () => [TOOL],
    async call(call) {
      if (!(await call.permit!())) return { ok: false, code: 'cancelled', message: '' };
      made.push(name);
      if (name === 'late') isLate = true;
      return { ok: true, output: 'made', sources: [] };
    },
    close: async () => undefined,
  });
  const bare = modelsOf({ m: provider });
  const get = (id: string) => {
    const model = bare.get(id);
    return model && { ...model, info: { ...model.info, tools: true } };
  };
  const models = { ...bare, get };
  const run = await prompt(plain, 'hi', { model: 'm', conversationId: `late${++worlds}` });
  copies.push(store.copy());
  const late = await startPod('late', runLog, { tools: toolsOf('late'), models, leaseMs: 2_000 });
  await late.take(run);
  await waitFor(() => isLate);
  return {
    ...{ plain, made, copies: copies.splice(0) },
    other: async () => (await startPod('other', plain, { tools: toolsOf('other'), models })).take(run),
    kept: () => store.runOf(run.conversationId, run.runId),
    ended: () => store.conversations.get(run.conversationId)?.messages.get(run.runId),
    goBack(copy: (typeof copies)[number]): void {
      store.goBack(copy);
      store.raise();
      ahead += 5_000;
    },
  };
};
let worlds = 0;

/** How far the store goes back, by the state of the call. */
const COPIES = [undefined, 'ready', 'running'] as const;

test.each(COPIES)('W-19 a call that a late owner has made is not made again by whoever goes on with its text: %s', async (state) => {
  const one = await world();
  one.goBack(one.copies.find(({ runs }) => [...runs.values()][0]?.parts[0]?.state === state)!);
  await one.other();
  await waitFor(() => one.ended() ?? (one.kept()?.waiting != null ? one.kept() : undefined), { deadlineMs: 10_000 });
  expect(one.made).toEqual(['late']);
  expect(one.ended()).toBeUndefined();
  expect(one.kept()).toMatchObject({ text: 'First. ', parts: [{ state: 'unknown', attempt: 1 }] });
});

const READY: Part = { partId: 'p', index: 0, at: 1, kind: 'tool', state: 'ready', name: 'do', server: 's', input: '{}' };

test.each<[string, { parts?: Part[] }]>([
  ['does not say what it has called, as an older one', {}],
  ['is behind the copy', { parts: [{ ...READY, state: 'input' }] }],
])('W-19 where an owner %s, nothing is called and its text stays', async (_what, said) => {
  const one = await world();
  one.goBack(one.copies.find(({ runs }) => [...runs.values()][0]?.parts[0]?.state === 'ready')!);
  const [part] = one.kept()!.parts;
  const parts = said.parts?.map((each) => ({ ...each, partId: part!.partId }));
  const { publishWork } = one.plain;
  // Whatever its owner says is said otherwise.
  one.plain.publishWork = (hint) => {
    if (hint.kind !== 'running') return publishWork(hint);
    const { parts: _, ...text } = hint;
    return publishWork({ ...text, text: `${hint.text}Second. `, ...(parts && { parts }) });
  };
  await one.other();
  expect(await waitFor(one.ended, { deadlineMs: 10_000 })).toMatchObject({ text: 'First. Second. ', status: 'interrupted' });
  expect(one.made).toEqual(['late']);
});
