import { once } from 'node:events';
import { createServer } from 'node:http';
import { RunnelError } from '@runnel/protocol';
import { expect, test } from 'vitest';
import { createFastClock } from '../../../testing/fast-clock.ts';
import { NEVER, ask, collect, textOf } from '../../../testing/streams.ts';
import { createModelRegistry } from '../registry.ts';
import type { ChatProvider, Delta, ModelRequest } from '../provider.ts';
import { endpointNames } from './entries.ts';
import { createPool } from './pool.ts';

const outage = () => new RunnelError('unavailable', 'down');
const refused = (providerStatus: number) => new RunnelError('model-failed', 'refused', { providerStatus });

type Play = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<Delta>;
const says = (...pieces: (string | Error)[]): Play =>
  // oxlint-disable-next-line func-names
  async function* () {
    for (const piece of pieces) {
      if (typeof piece !== 'string') throw piece;
      yield { text: piece };
    }
  };

const playing = (...plays: Play[]) => {
  const clock = createFastClock();
  const told: string[] = [];
  const asked: string[] = [];
  const acts = [...plays];
  const endpoints = plays.map((_, at) => ({
    ...{ name: `e${at}`, weight: 1 },
    provider: {
      canContinue: true,
      stream(request: ModelRequest, signal: AbortSignal) {
        asked.push(`e${at}`);
        return acts[at]!(request, signal);
      },
    } satisfies ChatProvider,
  }));
  const pool = createPool(endpoints, { clock, random: () => 0, onOutcome: (endpoint, outcome) => told.push(`${endpoint} ${outcome}`) });
  return { pool, clock, told, asked, acts };
};

test('an endpoint that fails before its first word is passed over at once, and rests after three times', async () => {
  const { pool, clock, told, asked, acts } = playing(says(outage()), says('hello'));
  for (let i = 0; i < 4; i++) expect(await textOf(pool, ask('x'))).toBe('hello');
  expect(asked).toEqual(['e0', 'e1', 'e0', 'e1', 'e0', 'e1', 'e1']);
  expect(told.filter((line) => line === 'e0 ejected')).toHaveLength(1);
  expect([pool.isDown!(), pool.endpoints!()]).toEqual([
    false,
    [
      { name: 'e0', resting: true },
      { name: 'e1', resting: false },
    ],
  ]);
  acts[0] = says('back');
  await clock.sleep(10_000);
  expect(await textOf(pool, ask('x'))).toBe('back');
  expect(pool.endpoints!().some(({ resting }) => resting)).toBe(false);
});

test.each([
  ['a key that is at its end', refused(401), 'hello'],
  ['a rate', new RunnelError('rate-limited'), 'hello'],
  ['a request that is wrong', refused(400), refused(400)],
  ['a thread that is too long', new RunnelError('context-length'), new RunnelError('context-length')],
])('%s: another endpoint is asked where it may do better', async (_what, error, expected) => {
  const { pool, asked } = playing(says(error), says('hello'));
  const result = await textOf(pool, ask('x')).catch((thrown: RunnelError) => thrown.code);
  expect(result).toBe(typeof expected === 'string' ? expected : expected.code);
  expect(asked).toHaveLength(typeof expected === 'string' ? 2 : 1);
});

test('an answer that breaks in its middle stays broken here, and counts', async () => {
  const { pool, asked } = playing(says('half', outage()), says('other'));
  for (let i = 0; i < 3; i++) await expect(collect(pool.stream(ask('x'), NEVER))).rejects.toMatchObject({ code: 'unavailable' });
  expect(await textOf(pool, ask('x'))).toBe('other');
  expect(asked).toEqual(['e0', 'e0', 'e0', 'e1']);
});

test('where every endpoint fails, the last failure stands, three at the most are asked, and it is shown as down', async () => {
  const { pool, asked } = playing(...Array.from({ length: 5 }, () => says(outage())));
  await expect(textOf(pool, ask('x'))).rejects.toMatchObject({ code: 'unavailable' });
  expect(new Set(asked).size).toBe(3);
  for (let i = 0; i < 10; i++) await textOf(pool, ask('x')).catch(() => undefined);
  expect(pool.isDown!()).toBe(true);
});

test('what a person cancels says nothing of an endpoint', async () => {
  const { pool, told } = playing(async function* (_request, signal) {
    yield { text: 'a' };
    await new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason as Error);
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  });
  for (let i = 0; i < 5; i++) {
    const stop = new AbortController();
    const stream = pool.stream(ask('x'), stop.signal)[Symbol.asyncIterator]();
    await stream.next();
    stop.abort('cancel');
    await stream.next().catch(() => undefined);
  }
  expect([told, pool.isDown!()]).toEqual([[], false]);
});

test('a model with endpoints: each is asked with its own name and key, and one that hangs costs its time alone', async () => {
  const heard: { at: number; model: string; key: string | undefined }[] = [];
  const servers = await Promise.all(
    [0, 1].map(async (at) => {
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (part: Buffer) => (body += String(part)));
        request.on('end', () => {
          heard.push({ at, model: (JSON.parse(body) as { model: string }).model, key: request.headers.authorization });
          if (at === 0) return;
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          const said = (delta: object, finish_reason: string | null) =>
            `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
          response.end(`${said({ content: 'ok' }, null)}${said({}, 'stop')}data: [DONE]\n\n`);
        });
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return { server, url: `http://127.0.0.1:${(server.address() as { port: number }).port}/v1` };
    }),
  );
  const outcomes: string[] = [];
  const models = createModelRegistry(
    [
      {
        ...{ id: 'm', provider: 'openai-compatible', model: 'shared', apiKeyEnv: 'KEY', timeouts: { firstTokenMs: 1_500 } },
        endpoints: [
          { baseURL: servers[0]!.url, weight: 1000, model: 'own', apiKeyEnv: 'OWN' },
          { baseURL: servers[1]!.url, weight: 1 },
        ],
      },
    ],
    { env: { KEY: 'k', OWN: 'o' }, onEndpoint: (model, _endpoint, outcome) => outcomes.push(`${model} ${outcome}`) },
  );
  try {
    const model = models.get('m')!;
    for (let i = 0; i < 8; i++) expect(await textOf(model.provider, { ...ask('hi'), model: model.model })).toBe('ok');
    const first = heard.filter(({ at }) => at === 0);
    expect(first.length).toBeLessThanOrEqual(4);
    for (const { model: name, key } of first) expect([name, key]).toEqual(['own', 'Bearer o']);
    for (const { model: name, key } of heard.filter(({ at }) => at === 1)) expect([name, key]).toEqual(['shared', 'Bearer k']);
    expect(outcomes.filter((line) => line === 'm ejected').length).toBe(1);
    expect(models.list()[0]).not.toHaveProperty('down');
  } finally {
    await models.close();
    for (const { server } of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
});

test('endpoints are called by their hosts, and what parts them; never by what could be a secret', () => {
  expect(
    endpointNames([
      { baseURL: 'https://u:p@a.example/v1' },
      { baseURL: 'https://b/x/v1' },
      { baseURL: 'https://b/y' },
      { baseURL: 'https://b/y' },
    ]),
  ).toEqual(['a.example', 'b/x/v1', 'b/y (3)', 'b/y (4)']);
});

test.each([
  [{ endpoints: [{ baseURL: 'http://x' }], baseURL: 'http://y' }, '/endpoints and baseURL are both set'],
  [{ endpoints: [{ baseURL: 'http://x', weight: 0 }] }, 'all others are 0'],
  [{ endpoints: [{ baseURL: 'http://' }] }, 'which is no address'],
  [{ endpoints: [{ baseURL: 'http://x', apiKeyEnv: 'NONE' }] }, '/endpoints/0/apiKeyEnv is NONE, which is not set'],
  [{ endpoints: [{ baseURL: 'http://x', apiKeyFile: '/nowhere' }] }, '/endpoints/0/apiKeyFile is /nowhere, which cannot be read'],
  [{ baseURL: 'http://x', headersFile: { 'api-key': '/nowhere' } }, '/headersFile/api-key is /nowhere, which cannot be read'],
  [{ baseURL: 'http://x', headersFile: { A: '/dev/null' }, headersEnv: { a: 'HOME' } }, '/headersFile/A is in headersEnv, too'],
])('%j is refused: %s', (entry, words) => {
  expect(() => createModelRegistry([{ id: 'm', provider: 'openai-compatible', ...entry }], { env: { HOME: 'x' } })).toThrow(
    expect.objectContaining({ problems: expect.arrayContaining([expect.stringContaining(words)]) as unknown }) as Error,
  );
});
