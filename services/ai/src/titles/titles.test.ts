import { createMemoryRunLog, type RunLog } from '@runnel/coordination';
import { createMetrics, silentLog, waitFor, type Logger } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { modelsOf } from '../../testing/pods.ts';
import type { ChatProvider, Delta, ModelRequest } from '../models/provider.ts';
import type { ModelRegistry } from '../models/registry.ts';
import type { Clock } from '../runs/clock.ts';
import type { EndedRun } from '../runs/ended-runs.ts';
import { createTitleMetrics, TITLE_OUTCOMES, type TitleOutcome } from './title-metrics.ts';
import { createTitles, type TitlesMeans } from './titles.ts';

/** Time passes when the test says so. */
const handClock = () => {
  let now = 0;
  const sleeping = new Set<{ at: number; wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const one = { at: now + ms, wake: () => (sleeping.delete(one), resolve()) };
        sleeping.add(one);
        signal?.addEventListener('abort', one.wake, { once: true });
      }),
  };
  const pass = (ms: number): void => {
    now += ms;
    for (const one of sleeping) if (one.at <= now) one.wake();
  };
  return { clock, pass, asleep: () => sleeping.size };
};

type Say = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<Delta>;
const provider = (stream: Say): ChatProvider => ({ canContinue: false, stream });
const saying = (...deltas: Delta[]): Say =>
  async function* () {
    yield* deltas;
  };
const failing = (error: RunnelError): Say =>
  async function* () {
    yield { text: '' };
    throw error;
  };
/** Says nothing until it is aborted, as a guarded provider ends then. */
const silent: Say = async function* (_request, signal) {
  yield { text: '' };
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
};

const QUESTION = 'What is a river?';

/** A pod's titles over a run log in memory, and conversations whose first answer has just ended. */
const setUp = (say: Say, change: Partial<TitlesMeans> = {}, runLog: RunLog = createMemoryRunLog()) => {
  const { clock, pass, asleep } = handClock();
  const registry = createMetrics('ai', { processMetrics: false });
  const requests: ModelRequest[] = [];
  const titler = provider((request, signal) => (requests.push(request), say(request, signal)));
  const titles = createTitles({
    ...{ runLog, models: modelsOf({ titler }), model: 'titler', perMinute: 60, clock, random: () => 0 },
    ...{ metrics: createTitleMetrics(registry), log: silentLog },
    ...change,
  });
  onTestFinished(() => titles.close());
  let made = 0;
  const end = async (): Promise<EndedRun> => {
    const [conversationId, runId, messageId, userId] = [`c${++made}`, `r${made}`, `m${made}`, 'ann'];
    const title = QUESTION;
    await runLog.beginRun({ conversationId, userId, runId, model: 'm', message: { messageId, text: QUESTION }, title });
    const claim = await runLog.claimRun({ conversationId, runId, owner: 'o', leaseMs: 60_000, models: { m: true } });
    if (claim.outcome !== 'claimed') throw new Error(claim.outcome);
    const command = { conversationId, runId, epoch: 1, reason: 'complete' as const, bytes: 0, sha256: 'x' };
    await runLog.endRun(command);
    return { ...command, userId, title, run: claim.run, messages: claim.messages, text: 'Water that runs.' };
  };
  const counts = async (): Promise<Partial<Record<TitleOutcome, number>>> => {
    const text = await registry.text();
    const all = TITLE_OUTCOMES.map((outcome) => {
      const found = new RegExp(`runnel_ai_titles_total\\{outcome="${outcome}"[^}]*\\} (\\d+)`).exec(text);
      if (!found) throw new Error(`${outcome} does not begin at zero`);
      return [outcome, Number(found[1])] as const;
    });
    return Object.fromEntries(all.filter(([, count]) => count > 0));
  };
  const counted = async (expected: Partial<Record<TitleOutcome, number>>): Promise<void> => {
    const sum = Object.values(expected).reduce((all, count) => all + count, 0);
    await waitFor(async () => Object.values(await counts()).reduce((all, count) => all + count, 0) >= sum, { deadlineMs: 5_000 });
    expect(await counts()).toEqual(expected);
  };
  const titleOf = async (conversationId: string): Promise<string | null> => {
    const state = await runLog.readState({ conversationId });
    return state.kind === 'snapshot' ? state.title : null;
  };
  return { titles, runLog, requests, end, counts, counted, titleOf, pass, asleep, registry };
};

test('the model is asked once, shortly, and what it says is the title', async () => {
  const { titles, end, counted, counts, titleOf, requests, asleep, registry } = setUp(
    saying(
      { reasoning: 'Hm.' },
      { text: '"Riv' },
      { text: 'ers"' },
      { usage: { promptTokens: 80, completionTokens: 4 } },
      { finish: 'stop' },
    ),
  );
  expect(await counts()).toEqual({});
  titles.consider(await end(), false);
  await counted({ named: 1 });
  expect(await titleOf('c1')).toBe('Rivers');
  expect(requests).toMatchObject([{ params: { max_tokens: 128 }, prefix: '', once: true }]);
  expect(requests[0]!.messages.map(({ role }) => role)).toEqual(['system', 'user']);
  expect(await registry.text()).toMatch(/title_tokens_total\{kind="prompt"[^}]*\} 80\n.*kind="completion"[^}]*\} 4\n/);
  // No deadline is left behind.
  expect(asleep()).toBe(0);
});

test('words that are no title, or none that the filter let through, change nothing', async () => {
  const { titles, end, counted, titleOf } = setUp(saying({ text: 'See https://evil.example' }));
  titles.consider(await end(), false);
  await counted({ unusable: 1 });
  expect(await titleOf('c1')).toBe(QUESTION);
  const filtered = setUp(saying({ text: 'Riv' }, { finish: 'filter' }));
  filtered.titles.consider(await filtered.end(), false);
  await filtered.counted({ unusable: 1 });
});

test('a model that does not stop is read for a kilobyte', async () => {
  let pieces = 0;
  const { titles, end, counted } = setUp(async function* () {
    for (;;) {
      pieces++;
      yield { text: 'x'.repeat(100) };
    }
  });
  titles.consider(await end(), false);
  await counted({ unusable: 1 });
  expect(pieces).toBe(11);
});

test('a person who renames it, or deletes it, while the model thinks has the last word', async () => {
  const gate = Promise.withResolvers<void>();
  const { titles, end, counted, runLog, titleOf } = setUp(async function* () {
    await gate.promise;
    yield { text: 'Rivers' };
  });
  const [renamed, deleted] = [await end(), await end()];
  for (const one of [renamed, deleted]) titles.consider(one, false);
  await runLog.setTitle({ conversationId: renamed.conversationId, userId: 'ann', title: 'Mine' });
  await runLog.deleteConversation({ conversationId: deleted.conversationId, userId: 'ann' });
  gate.resolve();
  await counted({ kept: 1, gone: 1 });
  expect(await titleOf('c1')).toBe('Mine');
  expect(await titleOf('c2')).toBeNull();
});

test('a model that fails gets a rest, twice as long each time, and a second chance afterwards', async () => {
  let fails = true;
  const lines: object[] = [];
  const log = { ...silentLog, warn: (line: object) => void lines.push(line) } as unknown as Logger;
  const words = failing(new RunnelError('rate-limited', 'slow down', { providerStatus: 429 }));
  const { titles, end, counted, pass, requests } = setUp((...asked) => (fails ? words(...asked) : saying({ text: 'Rivers' })(...asked)), {
    log,
  });
  titles.consider(await end(), false);
  await counted({ failed: 1 });
  expect(lines).toMatchObject([{ event: 'title.failed', code: 'rate-limited', restMs: 30_000 }]);
  for (let i = 0; i < 1_000; i++) titles.consider({ ...(await end()) }, false);
  await counted({ failed: 1, resting: 1_000 });
  expect(requests).toHaveLength(1);
  pass(30_000);
  titles.consider(await end(), false);
  await counted({ failed: 2, resting: 1_000 });
  expect(lines[1]).toMatchObject({ restMs: 60_000 });
  pass(59_000);
  titles.consider(await end(), false);
  await counted({ failed: 2, resting: 1_001 });
  pass(1_000);
  fails = false;
  titles.consider(await end(), false);
  await counted({ failed: 2, resting: 1_001, named: 1 });
  // It said nothing of what people wrote.
  expect(JSON.stringify(lines)).not.toContain('river');
});

test('a provider that says for how long it wants none is left alone for so long', async () => {
  const { titles, end, counted, pass } = setUp(failing(new RunnelError('rate-limited', 'x', { retryAfterMs: 120_000 })));
  titles.consider(await end(), false);
  await counted({ failed: 1 });
  pass(119_000);
  titles.consider(await end(), false);
  await counted({ failed: 1, resting: 1 });
});

test('a model that is silent is left after ten seconds, and rests', async () => {
  const { titles, end, counted, pass, asleep, titleOf } = setUp(silent);
  titles.consider(await end(), false);
  await waitFor(() => asleep() === 1);
  pass(9_999);
  expect(asleep()).toBe(1);
  pass(1);
  await counted({ late: 1 });
  titles.consider(await end(), false);
  await counted({ late: 1, resting: 1 });
  expect(await titleOf('c1')).toBe(QUESTION);
});

/** Each request waits until it is let go. */
const gated = (): { say: Say; gates: (() => void)[] } => {
  const gates: (() => void)[] = [];
  const say: Say = async function* () {
    await new Promise<void>((resolve) => gates.push(resolve));
    yield { text: 'Rivers' };
  };
  return { say, gates };
};

test('two at a time, twenty more wait, the others keep their first words', async () => {
  const { say, gates } = gated();
  const { titles, end, counted } = setUp(say);
  for (let i = 0; i < 30; i++) titles.consider(await end(), false);
  await counted({ limited: 8 });
  expect(gates).toHaveLength(2);
  for (let at = 0; at < 22; at++) (await waitFor(() => gates[at]))();
  await counted({ limited: 8, named: 22 });
});

test('who has waited for ten seconds is not asked for any more', async () => {
  const { say, gates } = gated();
  const { titles, end, counted, pass } = setUp(say);
  for (let i = 0; i < 5; i++) titles.consider(await end(), false);
  await waitFor(() => gates.length === 2);
  pass(6_000);
  for (const letGo of gates.slice(0)) letGo();
  await waitFor(() => gates.length === 4);
  pass(6_000);
  for (const letGo of gates.slice(2)) letGo();
  await counted({ named: 4, limited: 1 });
});

test('not more in a minute than is allowed, whatever comes', async () => {
  const { titles, end, counted, requests, pass } = setUp(saying({ text: 'Rivers' }), { perMinute: 3 });
  for (let i = 0; i < 10; i++) titles.consider(await end(), false);
  await counted({ named: 3, limited: 7 });
  pass(60_000);
  for (let i = 0; i < 5; i++) titles.consider(await end(), false);
  await counted({ named: 6, limited: 9 });
  expect(requests).toHaveLength(6);
});

test('a model that is not here, is suspended, or tells stories is not asked; that is said once', async () => {
  for (const of of [undefined, { suspended: true }, { info: { id: 'titler', name: 't', provider: 'demo', canContinue: false } }]) {
    const lines: { event?: string }[] = [];
    const log = { ...silentLog, warn: (line: object) => void lines.push(line) } as unknown as Logger;
    const bare = modelsOf({ titler: provider(saying({ text: 'Rivers' })) });
    const models = { ...bare, get: (id: string) => of && { ...bare.get(id)!, ...of } } as ModelRegistry;
    const { titles, end, counted } = setUp(saying(), { models, log });
    for (let i = 0; i < 3; i++) titles.consider(await end(), false);
    await counted({ 'no-model': 3 });
    expect(lines.map(({ event }) => event)).toEqual(['title.no-model']);
  }
});

test('a title takes a place in its model’s limit, gives it back, and takes none that there is not', async () => {
  const bare = modelsOf({ titler: provider(saying({ text: 'Rivers' })) });
  const limited = { ...bare, get: (id: string) => ({ ...bare.get(id)!, info: { ...bare.get(id)!.info, id }, maxConcurrentRuns: 1 }) };
  const { titles, end, counted, runLog } = setUp(saying(), { models: limited as ModelRegistry });
  titles.consider(await end(), false);
  await counted({ named: 1 });
  const place = { model: 'titler', limit: 1, leaseMs: 60_000, drop: [] };
  await waitFor(async () => (await runLog.keepPlaces({ ...place, take: [{ conversationId: 'c9', runId: 'r9' }] })).size === 1);
  titles.consider(await end(), false);
  await counted({ named: 1, full: 1 });
});

test('a store that does not answer costs the title alone', async () => {
  const runLog = { ...createMemoryRunLog(), proposeTitle: () => Promise.reject(new RunnelError('unavailable')) };
  const { titles, end, counted } = setUp(saying({ text: 'Rivers' }), {}, runLog);
  titles.consider(await end(), false);
  titles.consider(await end(), false);
  await counted({ unstored: 2 });
});

test('closing gives up what is under way and asks for nothing more', async () => {
  const { titles, end, counts, requests, runLog } = setUp(silent);
  for (let i = 0; i < 5; i++) titles.consider(await end(), false);
  await waitFor(() => requests.length === 2);
  const proposed: unknown[] = [];
  Object.assign(runLog, { proposeTitle: async (command: unknown) => (proposed.push(command), { outcome: 'gone' }) });
  titles.close();
  titles.consider(await end(), false);
  await waitFor(async () => (await counts()).late === 2);
  expect([requests.length, proposed]).toEqual([2, []]);
});
