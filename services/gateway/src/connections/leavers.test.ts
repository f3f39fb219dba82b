import { request as ask } from 'node:http';
import type { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { waitFor } from '@runnel/kit';
import type { AuditClient } from '../archive/audit-client.ts';
import { createAuth, type Auth } from '../auth/auth.ts';
import { createMemoryRunLog } from '@runnel/coordination';
import { startGateway, type TestGateway } from '../../testing/test-gateway.ts';

/** What a node knows of somebody who is there; each has to be 0 when nobody is. */
const TRACES = [
  'runnel_gateway_follows',
  'runnel_gateway_rooms',
  'runnel_gateway_event_streams',
  'runnel_gateway_dialect_streams',
  'runnel_gateway_sockets',
];
const PATIENT = { deadlineMs: 9_000 };

const post = (path: string, body: object) => ({ method: 'POST', path, body });
const get = (path: string) => ({ method: 'GET', path, body: null });
const upgrade = (path: string) => ({ method: 'UPGRADE', path, body: null });
type Way = ReturnType<typeof post | typeof get>;

const AG_UI = { threadId: 'c1', runId: 'r9', messages: [], state: {}, tools: [], context: [], forwardedProps: {} };
const HELLO = { role: 'user', content: 'Hello' };
/** Every answer that stays open. */
const WAYS: Record<string, Way> = {
  events: get('/api/conversations/c1/events'),
  'durable stream, sse': get('/api/streams/c1?live=sse&offset=now'),
  'durable stream, long-poll': get('/api/streams/c1?live=long-poll&offset=now'),
  'ai-sdk, resumed': get('/api/ai-sdk/c1/stream'),
  'ai-sdk, asked': post('/api/ai-sdk', {
    id: 'c2',
    trigger: 'submit-message',
    messages: [{ id: 'm1', role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
  }),
  'ag-ui, connected': post('/api/ag-ui/agent/default/connect', AG_UI),
  'ag-ui, asked': post('/api/ag-ui/agent/default/run', { ...AG_UI, threadId: 'c3', messages: [{ id: 'm1', ...HELLO }] }),
  'chat completion, streamed': post('/v1/chat/completions', { model: 'count', messages: [HELLO], stream: true }),
  'chat completion, whole': post('/v1/chat/completions', { model: 'count', messages: [HELLO] }),
  'response, streamed': post('/v1/responses', { model: 'count', input: 'Hello', stream: true }),
  'response, whole': post('/v1/responses', { model: 'count', input: 'Hello' }),
  replay: get('/api/runs/r1/replay'),
  socket: upgrade('/ws/chat'),
  'socket of the ai-sdk': upgrade('/ws/ai-sdk'),
};

/** Holds the n-th asynchronous call that an answer makes, in whatever it asks. */
class Gate {
  calls = 0;
  held = false;
  #holdAt = Infinity;
  #open: () => void = () => undefined;
  #opened = Promise.resolve();

  holdAt(call: number): void {
    this.#holdAt = this.calls + call;
    this.#opened = new Promise((resolve) => (this.#open = resolve));
  }

  release(): void {
    this.#holdAt = Infinity;
    this.#open();
  }

  before<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (of, name) => {
        const value: unknown = Reflect.get(of, name, of);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]): unknown => {
          const call = this.calls;
          const answer: unknown = value.apply(of, given);
          if (!(answer instanceof Promise)) return answer;
          this.calls++;
          if (call !== this.#holdAt) return answer;
          this.held = true;
          return this.#opened.then(() => answer);
        };
      },
    });
  }
}

const REPLAY = {
  conversationId: 'c1',
  startedAt: 1_700_000_000_000,
  message: {
    messageId: 'r1',
    parentId: null,
    role: 'assistant',
    text: 'word '.repeat(100),
    status: 'complete',
    createdAt: 1,
    author: 'ann',
  },
  timeline: Array.from({ length: 100 }, (_, index) => ({ ms: index * 60_000, length: (index + 1) * 5 })),
  markers: [],
};

interface World extends TestGateway {
  gate: Gate;
  watchers(): number;
}

const startWorld = async (): Promise<World & AsyncDisposable> => {
  const gate = new Gate();
  const watching = new Set<object>();
  const watch = () => {
    const one = {};
    watching.add(one);
    return () => void watching.delete(one);
  };
  const dev = createAuth({ authMode: 'jwt', jwtSecret: 'x'.repeat(32), adminScope: 'admin' } as never);
  const identity = async () => ({ userId: 'ann', source: 'header' as const, expiresAt: Date.now() + 3_600_000, watch });
  const auth: Auth = { ...dev, identify: async () => ({ identity: await identity() }), require: identity, verify: identity };
  const audit: AuditClient = {
    call: async (path) => (path.endsWith('/replay') ? { status: 200, body: REPLAY } : { status: 404, body: {} }),
  };
  const runLog = createMemoryRunLog();
  const gateway = await startGateway({
    runLog: gate.before(runLog),
    auth: gate.before(auth),
    audit: gate.before(audit),
    env: { MAX_RUNS_PER_USER: '0', MAX_COMMANDS_PER_MINUTE: '0' },
  });
  const told = await fetch(`${gateway.url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ conversationId: 'c1', messageId: 'm1', runId: 'r1', text: 'Hello' }),
  });
  expect(told.status).toBe(202);
  await waitFor(() => gateway.owner.runs.includes('r1'), PATIENT);
  return Object.assign(gateway, { gate, watchers: () => watching.size });
};

/** A client that can be cut off; `answered` when the answer has begun, or nothing more is asked for it. */
const begin = ({ method, path, body }: Way, port: number): { leave: () => void; answered: () => boolean } => {
  let answered = false;
  let left = false;
  let wire: Duplex | undefined;
  const isUpgrade = method === 'UPGRADE';
  const headers = isUpgrade
    ? { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
    : { 'content-type': 'application/json', connection: 'close' };
  const client = ask({ host: '127.0.0.1', port, method: isUpgrade ? 'GET' : method, path, headers });
  const here = (): void => void (answered = true);
  client
    .on('error', () => undefined)
    .on('upgrade', (_response, socket) => {
      here();
      socket.on('error', () => undefined);
      if (left) socket.destroy();
      wire = socket;
    });
  client.on('response', (response) => {
    here();
    response.on('error', () => undefined).resume();
  });
  client.end(body === null ? undefined : JSON.stringify(body));
  const leave = (): void => {
    left = true;
    client.destroy();
    wire?.destroy();
  };
  return { leave, answered: () => answered };
};

const tracesOf = async (world: World): Promise<Record<string, number>> => {
  const counts = await Promise.all(TRACES.map(async (name) => [name, await world.metric(name)] as const));
  return { ...Object.fromEntries(counts.filter(([, count]) => count !== 0)), ...(world.watchers() > 0 && { watchers: world.watchers() }) };
};

const nobodyIsHere = async (world: World, what: string): Promise<void> => {
  await waitFor(async () => Object.keys(await tracesOf(world)).length === 0, PATIENT).catch(async () => {
    throw new Error(`${what}: ${JSON.stringify(await tracesOf(world))}`);
  });
};

const gone = (world: World): Promise<unknown> =>
  waitFor(() => new Promise<boolean>((resolve) => world.app.server.getConnections((_, count) => resolve(count === 0))), {
    ...PATIENT,
    what: 'every connection to be gone',
  });

for (const [name, way] of Object.entries(WAYS)) {
  test.concurrent(`${name}: who leaves while an answer is being opened leaves nothing behind, whatever was being waited for`, async () => {
    await using world = await startWorld();
    const { gate } = world;
    const before = gate.calls;
    const whole = begin(way, world.port);
    // One that is only answered when its run has ended stands when it follows.
    await waitFor(async () => whole.answered() || (await world.metric('runnel_gateway_rooms')) > 0, {
      ...PATIENT,
      what: `${name} to be open`,
    });
    const calls = gate.calls - before;
    expect(calls).toBeGreaterThan(0);
    // Whatever way somebody follows on is counted as a follow: a room without one is a leak that nobody would see.
    if ((await world.metric('runnel_gateway_rooms')) > 0) {
      await waitFor(async () => (await world.metric('runnel_gateway_follows')) > 0, { ...PATIENT, what: `${name} to count as a follow` });
    }
    whole.leave();
    await gone(world);
    await nobodyIsHere(world, `${name}, open`);
    for (let call = 0; call < calls; call++) {
      gate.held = false;
      gate.holdAt(call);
      const { leave, answered } = begin(way, world.port);
      await waitFor(() => gate.held || answered(), { ...PATIENT, what: `call ${call + 1} of ${calls}` });
      leave();
      // Nobody reads a connection that is being upgraded, so its end is seen only afterwards.
      if (way.method !== 'UPGRADE') await gone(world);
      gate.release();
      await gone(world);
    }
    await nobodyIsHere(world, `${name}, left at each of ${calls} calls`);
  });
}
