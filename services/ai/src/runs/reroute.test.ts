import type { StoredMessage } from '@runnel/coordination';
import { waitFor } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFaultyRunLog } from '../../testing/faulty-run-log.ts';
import { cancel, memoryRunLog, modelsOf, prompt, startPod } from '../../testing/pods.ts';
import { startViewer } from '../../testing/viewer.ts';
import type { ChatProvider } from '../models/provider.ts';
import type { Model, ModelRegistry } from '../models/registry.ts';
import { unknownModel } from '../models/unknown.ts';
import { mayFallBack } from '../models/model-error.ts';
import { nextModels } from './reroute.ts';

const saying = (...pieces: (string | Error)[]): ChatProvider => ({
  canContinue: true,
  async *stream() {
    for (const piece of pieces) {
      if (typeof piece !== 'string') throw piece;
      yield { text: piece };
    }
  },
});
const refusing = (error = new RunnelError('model-failed', 'refused', { providerStatus: 503 })): ChatProvider => saying(error);

/** Models with what each falls back to. */
const registryOf = (providers: Record<string, ChatProvider>, change: Record<string, Partial<Model>>): ModelRegistry => {
  const bare = modelsOf(providers);
  return {
    ...bare,
    get(id) {
      const model = bare.get(id);
      return model && { ...model, info: { ...model.info, id }, ...change[id] };
    },
  };
};

const answered = async (models: ModelRegistry, model = 'first') => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const pod = await startPod('a', runLog, { models });
  const run = await prompt(runLog, 'hello', { model });
  await pod.take(run);
  const ended = await viewer.ended(run.runId);
  await waitFor(() => pod.size === 0);
  const starts = viewer.of('run-started').map((event) => [event.model, event.requestedModel]);
  return { ended, starts, text: viewer.text(run.runId), metrics: await pod.metricsText() };
};

test('an answer whose model refuses is given by the first of its list that does not, and readers are told who answers', async () => {
  const providers = { first: refusing(), second: refusing(new RunnelError('rate-limited')), third: saying('here ', 'it is') };
  const { ended, starts, text, metrics } = await answered(registryOf(providers, { first: { fallback: ['second', 'third'] } }));
  expect(ended).toMatchObject({ reason: 'complete' });
  expect(text).toBe('here it is');
  expect(starts).toEqual([
    ['first', undefined],
    ['second', 'first'],
    ['third', 'first'],
  ]);
  expect(metrics).toMatch(/runnel_ai_fallbacks_total\{model="first",to="second",service="ai"\} 1/);
  expect(metrics).toMatch(/runnel_ai_fallbacks_total\{model="second",to="third",service="ai"\} 1/);
  expect(metrics).toMatch(/runnel_ai_run_end_total\{reason="rerouted",model="first",service="ai"\} 1/);
  expect(metrics).toMatch(/runnel_ai_run_end_total\{reason="complete",model="third",service="ai"\} 1/);
});

test('where all refuse, the failure of the last stands, once', async () => {
  const providers = { first: refusing(), second: refusing(new RunnelError('model-failed', 'the second', { providerStatus: 401 })) };
  const { ended, starts } = await answered(registryOf(providers, { first: { fallback: ['second'] }, second: { fallback: ['first'] } }));
  expect(ended).toMatchObject({ reason: 'failed', error: { code: 'model-failed', status: 401 } });
  expect(starts).toHaveLength(2);
});

test('a model that fails in the middle of its answer keeps it, and so does one that was only thinking', async () => {
  const thinking: ChatProvider = {
    canContinue: true,
    async *stream() {
      yield { reasoning: 'hm' };
      throw new RunnelError('model-failed', 'broke');
    },
  };
  for (const first of [saying('half', new RunnelError('model-failed', 'broke')), thinking]) {
    const { ended, starts } = await answered(registryOf({ first, second: saying('no') }, { first: { fallback: ['second'] } }));
    expect(ended).toMatchObject({ reason: 'failed' });
    expect(starts).toHaveLength(1);
  }
});

test('a pod that dies behind the change leaves the next one the model that answers, and what comes behind it in the list', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const dying = createFaultyRunLog(runLog);
  const stuck: ChatProvider = {
    canContinue: true,
    async *stream(_request, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      yield { text: '' };
    },
  };
  const lists = { first: { fallback: ['second', 'third'] } };
  const a = await startPod('a', dying, { models: registryOf({ first: refusing(), second: stuck, third: saying('no') }, lists) });
  const run = await prompt(runLog, 'hello', { model: 'first' });
  await a.take(run);
  await waitFor(() => viewer.of('run-started').length === 2);
  dying.fault = 'down';
  await startPod('b', runLog, { models: registryOf({ first: saying('no'), second: refusing(), third: saying('third') }, lists) });
  await viewer.ended(run.runId);
  expect(viewer.text(run.runId)).toBe('third');
  expect(viewer.of('run-started').map(({ model }) => model)).toEqual(['first', 'second', 'third']);
  dying.fault = 'none';
});

test('W-20 an answer that is cancelled while its model refuses ends cancelled', async () => {
  const runLog = memoryRunLog();
  const viewer = await startViewer(runLog, 'c');
  const first: ChatProvider = {
    canContinue: true,
    // oxlint-disable-next-line require-yield
    async *stream() {
      await cancel(runLog, run);
      throw new RunnelError('model-failed', 'refused');
    },
  };
  const pod = await startPod('a', runLog, { models: registryOf({ first, second: saying('no') }, { first: { fallback: ['second'] } }) });
  const run = await prompt(runLog, 'hello', { model: 'first' });
  await pod.take(run);
  expect(await viewer.ended(run.runId)).toMatchObject({ reason: 'cancelled', bytes: 0 });
  expect(viewer.of('run-started')).toHaveLength(1);
});

const modelOf = (id: string, change: Partial<Model> = {}): Model => ({
  ...unknownModel(),
  info: { ...unknownModel().info, id },
  ...change,
});

test('each model of a list is tried at most once, in its order, whatever the list and whoever is away', () => {
  const ids = ['a', 'b', 'c', 'd'];
  fc.assert(
    fc.property(fc.shuffledSubarray(ids.slice(1)), fc.subarray(ids.slice(1)), fc.subarray(ids.slice(1)), (fallback, suspended, gone) => {
      const models = {
        get: (id: string) =>
          gone.includes(id) ? undefined : modelOf(id, { fallback: id === 'a' ? fallback : ids, suspended: suspended.includes(id) }),
      };
      const tried: string[] = [];
      let claim = { messages: [], run: { runId: 'r', parentId: null, model: 'a', startedAt: 1 } } as Parameters<typeof nextModels>[1];
      for (let [next] = nextModels(models, claim); next !== undefined; [next] = nextModels(models, claim)) {
        tried.push(next.info.id);
        claim = { ...claim, run: { ...claim.run, model: next.info.id }, requestedModel: 'a' };
      }
      expect(tried).toEqual(fallback.filter((id) => !gone.includes(id) && !suspended.includes(id)));
    }),
  );
});

test('a request goes to a model that takes all that it is made of, and to any where it is made of words alone', () => {
  const known: Record<string, Model> = {
    a: modelOf('a', { fallback: ['b', 'c', 'd'], info: { ...modelOf('a').info, accepts: ['seed', 'stop'] } }),
    b: modelOf('b', { info: { ...modelOf('b').info, accepts: ['stop', 'prefill'] } }),
    d: modelOf('d'),
    c: modelOf('c', { info: { ...modelOf('c').info, accepts: ['stop', 'seed', 'user'] } }),
  };
  const models = { get: (id: string) => known[id] };
  const run = { runId: 'r', parentId: null, model: 'a', startedAt: 1 };
  const next = (request?: object | string) => {
    const told = typeof request === 'object' ? JSON.stringify(request) : request;
    return nextModels(models, { run, messages: [], ...(told !== undefined && { request: told }) }).map(({ info }) => info.id);
  };
  const thread = (...turns: object[]) => ({ thread: { first: 'm', last: 0, turns: [{ role: 'user', content: 'hi' }, ...turns] } });
  expect(next()).toEqual(['b', 'c', 'd']);
  for (const words of [{}, { params: {} }, { instructions: 'brief' }, { params: { seed: null } }, thread()])
    expect([words, next(words)]).toEqual([words, ['b', 'c', 'd']]);
  expect(next({ params: { stop: ['x'] } })).toEqual(['b', 'c']);
  expect(next({ params: { seed: 5 } })).toEqual(['c']);
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
  for (const [input, turn] of Object.entries({
    image_url: { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,x' } }] },
    file: { role: 'user', content: [{ type: 'file', file: { file_data: 'data:,x' } }] },
    input_audio: { role: 'user', content: [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }] },
    tool_results: { role: 'tool', content: '1', tool_call_id: 'c' },
    prefill: { role: 'assistant', content: 'It is' },
  }))
    expect([input, next(thread(turn))]).toEqual([input, input === 'prefill' ? ['b'] : []]);
  expect(next(thread({ role: 'assistant', content: null, tool_calls: [call] }, { role: 'user', content: 'hm' }))).toEqual([]);
  // What cannot be read may be made of anything.
  expect(next('no JSON')).toEqual(['c']);
});

test('nobody is answered by a model that is not theirs: one of some people stands in only for one that all of its askers may ask', () => {
  const access = fc.option(
    fc.record(
      { groups: fc.subarray(['a', 'b', 'c'], { minLength: 1 }), scopes: fc.subarray(['x', 'y'], { minLength: 1 }) },
      { requiredKeys: [] },
    ),
    { nil: undefined },
  );
  const person = fc.record({ groups: fc.subarray(['a', 'b', 'c']), scopes: fc.subarray(['x', 'y']) });
  const may = (who: { groups: string[]; scopes: string[] }, of: { groups?: string[]; scopes?: string[] } | undefined): boolean =>
    of === undefined ||
    !!of.groups?.some((group) => who.groups.includes(group)) ||
    !!of.scopes?.some((scope) => who.scopes.includes(scope));
  fc.assert(
    fc.property(access, fc.array(access, { minLength: 1, maxLength: 4 }), person, (asked, others, who) => {
      fc.pre(may(who, asked));
      const withAccess = (id: string, of: typeof asked, fallback: string[] = []): Model =>
        modelOf(id, { fallback, info: { ...modelOf(id).info, ...(of && { access: of }) } });
      const ids = others.map((_, i) => `m${i}`);
      const known = new Map([['a', withAccess('a', asked, ids)], ...ids.map((id, i) => [id, withAccess(id, others[i])] as const)]);
      const run = { runId: 'r', parentId: null, model: 'a', startedAt: 1 };
      const next = nextModels({ get: (id) => known.get(id) }, { run, messages: [] });
      for (const { info } of next) expect(may(who, info.access)).toBe(true);
      // Those of everybody, and of the same people, still stand in.
      expect(next.length).toBeGreaterThanOrEqual(others.filter((of) => of === undefined || of === asked).length);
    }),
  );
});

test('a thread with a picture goes only to a model that sees', () => {
  const known: Record<string, Model> = {
    a: modelOf('a', { fallback: ['b', 'c'] }),
    b: modelOf('b'),
    c: modelOf('c', { info: { ...modelOf('c').info, vision: true } }),
  };
  const models = { get: (id: string) => known[id] };
  const run = { runId: 'r', parentId: null, model: 'a', startedAt: 1 };
  const asking = (mediaType: string): StoredMessage => ({
    ...{ messageId: 'm', parentId: null, role: 'user', text: 'see', status: 'complete', createdAt: 1 },
    parts: [{ partId: 'p', index: 0, at: 0, kind: 'file', state: 'done', mediaType }],
  });
  expect(nextModels(models, { run, messages: [asking('image/png')] })[0]?.info.id).toBe('c');
  expect(nextModels(models, { run, messages: [asking('text/plain')] })[0]?.info.id).toBe('b');
});

test.each([
  [new RunnelError('model-failed'), true],
  [new RunnelError('rate-limited'), true],
  [new RunnelError('model-failed', '', { providerStatus: 401 }), true],
  [new RunnelError('model-failed', '', { providerStatus: 402 }), true],
  [new RunnelError('model-failed', '', { providerStatus: 404 }), true],
  [new RunnelError('model-failed', '', { providerStatus: 503 }), true],
  [new RunnelError('model-failed', '', { providerStatus: 400 }), false],
  [new RunnelError('model-failed', '', { providerStatus: 422 }), false],
  [new RunnelError('context-length'), false],
  [new RunnelError('internal'), false],
  [new RunnelError('model-unknown'), false],
])('%o: another model is asked: %s', (error, isAsked) => expect(mayFallBack(error)).toBe(isAsked));
