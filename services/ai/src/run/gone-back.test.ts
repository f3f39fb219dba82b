import { createMemoryRunLog, type RunLog, type RunRef } from '@runnel/coordination';
import { isWaiting, newId, type Part } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { unknownModel } from '../models/unknown.ts';
import type { Delta } from '../models/provider.ts';
import type { Call, Tool, Toolbox } from '../tools/toolbox.ts';
import { createFastClock } from '../../testing/fast-clock.ts';
import { generate } from './generate.ts';
import type { RunResult } from './run-job.ts';

/** What an owner writes, and what moves a run from one to the next. */
const WRITES = new Set([
  'appendChunk',
  'putPart',
  'appendPartChunk',
  'parkRun',
  'endRun',
  'releaseRun',
  'restoreRun',
  'claimRun',
  'decidePart',
]);
const MOST_WRITES = 40;

const tool = (name: string, change: Partial<Tool> = {}): Tool => ({
  ...{ server: 's', name, policy: 'never', repeatable: false, check: () => null },
  spec: { name: `s__${name}`, description: '', parameters: {} },
  ...change,
});
const TOOLS = [tool('do'), tool('act', { policy: 'ask' }), tool('look', { repeatable: true })];
const called = (...names: string[]): Delta[] =>
  names.map((name, i) => ({ call: { key: `${i}`, id: `call-${i}`, name: `s__${name}`, input: `{"label":"${name}"}` } }));
const STEPS: Delta[][] = [
  [{ text: 'First. ' }, ...called('do', 'act', 'look')],
  [{ text: 'Then. ' }, ...called('do')],
  [{ text: 'Over.' }],
];

/**
 * Two stores, the second a replica of the first: from the write `lag` on it hears of nothing, and from the write `change` on it is the store.
 * `writes`: their names.
 */
const changingStore = (lag: number, change: number) => {
  const [master, replica] = [createMemoryRunLog(), createMemoryRunLog()];
  const writes: string[] = [];
  const runLog = new Proxy({} as RunLog, {
    get: (_, name: keyof RunLog) => async (command: never) => {
      const isWrite = WRITES.has(name);
      const n = isWrite ? writes.push(name) - 1 : writes.length;
      const ask = (store: RunLog) => (store[name] as (given: unknown) => Promise<unknown>)(command);
      if (n >= change) return ask(replica);
      if (name === 'beginRun' || (isWrite && n < lag)) await ask(replica);
      return ask(master);
    },
  });
  return { runLog, writes };
};

/** A run to its end, with a person who decides whatever waits; `release`: the pod drains in the middle of this call. */
const play = async (lag: number, change: number, release: number) => {
  const { runLog, writes } = changingStore(lag, change);
  const ref: RunRef = { conversationId: newId(), runId: newId() };
  await runLog.beginRun({ ...ref, userId: 'ann', model: 'm', title: '', message: { messageId: newId(), text: 'hi' } });
  const made: Call[] = [];
  let drain = (): void => undefined;
  const toolbox: Toolbox = {
    list: async () => TOOLS,
    call: async (call) => {
      made.push(call);
      if (made.length === release) drain();
      return { ok: true, output: `made ${call.tool.name}`, sources: [] };
    },
    close: async () => undefined,
  };
  const bare = unknownModel();
  const take = async (turn: number): Promise<RunResult | 'owned'> => {
    const claim = await runLog.claimRun({ ...ref, owner: `pod-${turn}`, leaseMs: 0, models: { m: true } });
    if (claim.outcome !== 'claimed') return 'owned';
    const stream = async function* ({ messages }: { messages: readonly unknown[] }): AsyncGenerator<Delta> {
      // As a model does, it goes on from what it is told.
      yield* STEPS[
        JSON.stringify(messages).split('"role":"tool"').length > 4 ? 2 : JSON.stringify(messages).includes('"role":"tool"') ? 1 : 0
      ]!;
    };
    const model = { ...bare, info: { ...bare.info, tools: true }, model: 'm', system: null, provider: { canContinue: true, stream } };
    const giveUp = new AbortController().signal;
    const job = { ref, claim, model, owner: `pod-${turn}`, leaseMs: 0, runLog, giveUp, tools: toolbox, clock: createFastClock() };
    const active = generate(job);
    drain = () => active.stop('release');
    return active.done;
  };
  const decide = async (): Promise<void> => {
    const state = await runLog.readState(ref);
    for (const expected of state.kind === 'snapshot' ? (state.run?.parts ?? []).filter(isWaiting) : []) {
      const part: Part = { ...expected, state: 'approved' };
      const decision = expected.state === 'unknown' ? ('retry' as const) : ('approve' as const);
      await runLog.decidePart({ ...ref, userId: 'ann', decision, expected, part });
    }
  };
  const results: (RunResult | 'owned')[] = [];
  for (let turn = 0; turn < 12 && results.at(-1) !== 'complete'; turn++) {
    results.push(await take(turn));
    await decide();
  }
  return { results, writes, attempts: made.map(({ key, attempt }) => `${key} ${attempt}`) };
};

test.each([0, 1, 2, 4])(
  'W-19 whatever of an answer a changed store has lost while its owner lives, each attempt of a call is made once (drained in call %i)',
  async (release) => {
    const whole = await play(MOST_WRITES, MOST_WRITES, release);
    expect(whole.results.at(-1)).toBe('complete');
    // Between two owners nobody knows what the store has lost: Redis has the run then end as it stands, which memory does not (claim-run, `doubt`).
    const changes = whole.writes.flatMap((name, n) => (name === 'claimRun' || name === 'decidePart' ? [] : [n]));
    const cells = changes.flatMap((change) => Array.from({ length: change + 1 }, (_, lag) => [lag, change] as const));
    expect(cells.length).toBeGreaterThan(100);
    const wrong: unknown[] = [];
    for (const [lag, change] of cells) {
      const { attempts, results } = await play(lag, change, release);
      if (new Set(attempts).size !== attempts.length) wrong.push({ lag, change, results, attempts });
    }
    expect(wrong).toEqual([]);
  },
);
