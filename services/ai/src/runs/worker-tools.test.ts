import { createMemoryRunLog, type RunRef } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import type { Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { modelsOf, prompt, startPod } from '../../testing/pods.ts';
import type { ChatProvider, Delta } from '../models/provider.ts';
import type { Call, Tool, Toolbox } from '../tools/toolbox.ts';

const tool = (name: string, policy: Tool['policy']): Tool => ({
  ...{ server: 's', name, policy, repeatable: false, check: () => null },
  spec: { name: `s__${name}`, description: '', parameters: {} },
});

/** A model that calls `slow` and `send` side by side, and then says that it is over. */
const provider: ChatProvider = {
  canContinue: true,
  async *stream({ messages }): AsyncGenerator<Delta> {
    if (messages.some(({ turn }) => turn?.role === 'tool')) return yield { text: 'over' };
    yield { call: { key: '0', id: '0', name: 's__slow', input: '{}' } };
    yield { call: { key: '1', id: '1', name: 's__send', input: '{}' } };
  },
};

const start = async (pods: number) => {
  const runLog = createMemoryRunLog();
  const made: Call[] = [];
  const hold = Promise.withResolvers<void>();
  const tools: Toolbox = {
    list: async () => [tool('slow', 'never'), tool('send', 'ask')],
    async call(call) {
      if (!(await call.permit!())) return { ok: false, code: 'cancelled', message: '' };
      made.push(call);
      if (call.tool.name === 'slow') await hold.promise;
      return { ok: true, output: 'x', sources: [] };
    },
    close: async () => undefined,
  };
  const models = modelsOf({ m: provider });
  const withTools = {
    ...models,
    get: (id: string) => {
      const model = models.get(id);
      return model && { ...model, info: { ...model.info, tools: true } };
    },
  };
  const workers = await Promise.all(Array.from({ length: pods }, (_, i) => startPod(`pod-${i}`, runLog, { tools, models: withTools })));
  const run = await prompt(runLog, 'hi', { model: 'm' });
  await workers[0]!.take(run);
  const partsOf = async ({ conversationId }: RunRef): Promise<readonly Part[]> => {
    const state = await runLog.readState({ conversationId });
    return state.kind === 'snapshot' ? (state.run?.parts ?? state.messages.at(-1)?.parts ?? []) : [];
  };
  const approve = async (): Promise<void> => {
    const expected = await waitFor(async () => (await partsOf(run)).find(({ state }) => state === 'waiting'), {
      what: 'a part that waits',
    });
    const part: Part = { ...expected, state: 'approved' };
    expect(await runLog.decidePart({ ...run, userId: 'user', decision: 'approve', expected, part })).toMatchObject({ outcome: 'decided' });
  };
  return { runLog, run, made, hold, workers, approve, partsOf };
};

test('W-17 an approval wakes the owner, which is in another call of the step: the call begins at once', async () => {
  const { made, hold, approve, run, partsOf } = await start(2);
  await waitFor(() => made.length === 1);
  await approve();
  await waitFor(() => made.length === 2, { deadlineMs: 1_000, what: 'the call that was approved' });
  hold.resolve();
  await waitFor(async () => (await partsOf(run)).every(({ state }) => state === 'done'));
  expect(made.map(({ tool: { name }, attempt }) => [name, attempt])).toEqual([
    ['slow', 1],
    ['send', 1],
  ]);
});

test('W-17 W-19 a run that waits is held by nobody; after the approval one of the pods makes the call, once', async () => {
  const { made, hold, approve, run, workers, partsOf } = await start(3);
  hold.resolve();
  await waitFor(async () => (await partsOf(run)).some(({ state }) => state === 'waiting'));
  await waitFor(() => workers.every(({ size }) => size === 0), { what: 'the run to be held by nobody' });
  await approve();
  await waitFor(async () => (await partsOf(run)).every(({ state }) => state === 'done'));
  expect(made.filter(({ tool: { name } }) => name === 'send')).toHaveLength(1);
});
