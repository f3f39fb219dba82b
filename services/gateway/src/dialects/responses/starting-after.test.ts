import { expect, test } from 'vitest';
import { createMemoryRunLog } from '@runnel/coordination';
import { MODEL, scriptPod, type ScriptRun } from '../../../testing/http/script-pod.ts';
import { startGateway } from '../../../testing/test-gateway.ts';

interface Told {
  status: number;
  type: string;
  events: { type: string; sequence_number: number }[];
  error: { code: string; param: string } | undefined;
}

const thinking = async (run: ScriptRun): Promise<void> => {
  await run.parts.put({ partId: 'p1', kind: 'reasoning', state: 'running' });
  await run.parts.stream('p1', 'text', 'Hm, what do I say?');
  await run.parts.put({ partId: 'p1', state: 'done' });
  await plain(run);
};
const plain = async (run: ScriptRun): Promise<void> => {
  for (const word of ['Xin ', 'chào ', '👋 bạn']) await run.say(word);
  await run.end();
};

const headers = { 'content-type': 'application/json', authorization: 'Bearer any' };

const asked = async (script: (run: ScriptRun) => unknown) => {
  const runLog = createMemoryRunLog();
  const pod = scriptPod(runLog, script);
  const gateway = await startGateway({ runLog, dispatcher: pod, models: pod.models });
  const body = JSON.stringify({ model: MODEL, input: 'hello' });
  await (await fetch(`${gateway.url}/v1/responses`, { method: 'POST', headers, body })).text();
  const { conversationId, runId } = pod.runs[0]!;
  const id = `resp_${conversationId}.${runId}`;
  const retrieved = async (): Promise<unknown> => (await fetch(`${gateway.url}/v1/responses/${id}`, { headers })).json();
  const after = async (query: string): Promise<Told> => {
    const response = await fetch(`${gateway.url}/v1/responses/${id}?stream=true${query}`, { headers, signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    const events = Array.from(text.matchAll(/^data: (.+)$/gm), ([, data]) => JSON.parse(data!) as Told['events'][number]);
    const error = response.status === 200 ? undefined : (JSON.parse(text) as { error: Told['error'] }).error;
    return { status: response.status, type: response.headers.get('content-type')!, events, error };
  };
  return { after, retrieved, [Symbol.asyncDispose]: () => gateway.close() };
};

test.each([
  ['an answer', plain],
  ['an answer with thoughts', thinking],
])(
  'P-6 of %s, `starting_after` gives the events above it: for each number seen, the next one, and what people make up',
  async (_, script) => {
    await using t = await asked(script);
    const { events: all } = await t.after('');
    expect(all.at(-1)!.type).toBe('response.completed');
    const seen = all.map(({ sequence_number: number }) => number);
    const madeUp = [
      0,
      1,
      2,
      3,
      5,
      7,
      10,
      41,
      42,
      99,
      100,
      999,
      1_001,
      65_537,
      262_143,
      2 ** 31,
      2 ** 31 + 1,
      2 ** 32 - 1,
      999_999_999_999_999,
    ];
    // The next one of those that prove nothing may itself be one that proves.
    const next = seen.map((number) => number + 1).filter((number) => number % 2 === 0);
    expect(next.length).toBeGreaterThan(5);
    for (const number of [...seen, ...next, ...madeUp])
      expect([number, (await t.after(`&starting_after=${number}`)).events]).toEqual([
        number,
        all.filter(({ sequence_number: one }) => one > number),
      ]);
    for (const number of ['-1', '-2', '-999999999999999'])
      expect([number, (await t.after(`&starting_after=${number}`)).events]).toEqual([number, all]);
  },
);

test.each(['', 'x', '1.5', '1e3', ' 1', '0x10', 'NaN', '-', '99999999999999999999', '１'])(
  '`starting_after=%s` is no number, and refused by its name',
  async (value) => {
    await using t = await asked(plain);
    expect(await t.after(`&starting_after=${encodeURIComponent(value)}`)).toMatchObject({
      status: 400,
      error: { code: 'invalid_type', param: 'starting_after' },
    });
  },
);

test('`starting_after` twice, or without a stream, is refused by its name', async () => {
  await using t = await asked(plain);
  for (const query of ['&starting_after=1&starting_after=2', '&stream=false&starting_after=1'])
    expect(await t.after(query)).toMatchObject({ status: 400 });
});

test.each([
  [{ code: 'model-failed', message: 'It answered 503.', status: 503, providerCode: 'asleep' } as const, 'asleep', 'It answered 503.'],
  [undefined, 'model_failed', 'The model failed.'],
])('a response that failed is told alike: as it stands, and as its events, whatever of them (%j)', async (error, code, message) => {
  await using t = await asked(async (run) => {
    await run.say('half');
    await run.end({ reason: 'failed', ...(error && { error }) });
  });
  const told = { status: 'failed', error: { code, message } };
  const whole = await t.after('');
  expect(whole.events.at(-1)).toMatchObject({ type: 'response.failed', response: told });
  const last = await t.after(`&starting_after=${whole.events.at(-2)!.sequence_number}`);
  expect(last.events).toMatchObject([{ type: 'response.failed', response: told }]);
  expect(await t.retrieved()).toMatchObject(told);
});
