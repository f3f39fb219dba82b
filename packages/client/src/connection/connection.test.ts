import { CLOSE } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { createConnection, CONNECT_DEADLINE_MS } from './connection.ts';
import type { TransportChoice } from './connection-state.ts';
import { createCredentials, type TokenSource } from './credentials.ts';
import { PONG_DEADLINE_MS } from './heartbeat.ts';
import type { PageSignal } from './page-signals.ts';
import { createFakeClock, settle } from '../../testing/fake-clock.ts';
import { createFakeTransport } from '../../testing/fake-transport.ts';

const setup = async (options: { token?: TokenSource; choice?: TransportChoice } = {}) => {
  const clock = createFakeClock();
  const ws = createFakeTransport();
  const sse = createFakeTransport();
  let signal: (signal: PageSignal) => void = () => undefined;
  const connection = createConnection({
    transports: { ws: ws.open, sse: sse.open },
    choice: options.choice ?? 'auto',
    credentials: createCredentials(clock, options.token),
    clock,
    random: () => 0.5,
    signals: (listener) => ((signal = listener), () => undefined),
    client: 'test/1',
  });
  const heard: string[] = [];
  connection.listen({ live: () => heard.push('live'), down: () => heard.push('down'), event: (event) => heard.push(event.type) });
  await settle();
  const goLive = (): void => {
    ws.link.open();
    ws.link.welcome();
  };
  return { clock, ws, sse, connection, heard, goLive, signal: (s: PageSignal) => signal(s) };
};

describe('hello', () => {
  test('W-1 hello is the first frame, and nothing else goes out before welcome', async () => {
    const { ws, connection } = await setup({ token: () => 'secret' });
    ws.link.open();
    expect(connection.send({ type: 'ping' })).toBe(false);
    expect(ws.link.sent).toEqual([{ type: 'hello', protocol: 1, token: 'secret', client: 'test/1' }]);
    ws.link.welcome();
    expect(connection.state.get()).toMatchObject({ status: 'live', node: 'gw-1', userId: 'u1', limits: { textChars: 5_000 } });
    expect(connection.send({ type: 'ping' })).toBe(true);
  });

  test('W-2 the token is had before the socket is opened, and anew for each connection', async () => {
    let give: (token: string) => void = () => undefined;
    const { ws, clock } = await setup({ token: () => new Promise((resolve) => (give = resolve)) });
    expect(ws.links).toHaveLength(0);
    give('first');
    await settle();
    ws.link.open();
    ws.link.drop(1006);
    await clock.advance(1_000);
    give('second');
    await settle();
    ws.link.open();
    expect(ws.links.map((link) => link.last('hello').token)).toEqual(['first', 'second']);
  });

  test('W-2 `token-expired` brings a new hello on the same socket; its welcome changes nothing for the readers', async () => {
    let count = 0;
    const { ws, heard, goLive } = await setup({ token: () => `t${++count}` });
    goLive();
    ws.link.event({ type: 'error', code: 'token-expired', message: '', retryable: false });
    await settle();
    expect(ws.link.all('hello').map((hello) => hello.token)).toEqual(['t1', 't2']);
    ws.link.welcome();
    expect(heard).toEqual(['live']);
    expect(ws.links).toHaveLength(1);
  });

  test('W-2 P-8 a source that has only the old token is not quoted again: the warning would come back at once, for a minute', async () => {
    const { ws, goLive } = await setup({ token: () => 'old' });
    goLive();
    ws.link.event({ type: 'error', code: 'token-expired', message: '', retryable: false });
    await settle();
    expect(ws.link.all('hello')).toHaveLength(1);
  });

  test('W-2 without a token the cookie or a proxy speaks: hello goes out bare, and the next try asks again', async () => {
    const tokens: string[] = [];
    const { ws, connection } = await setup({ token: () => tokens[0] });
    ws.link.open();
    expect(ws.link.last('hello')).toEqual({ type: 'hello', protocol: 1, client: 'test/1' });
    ws.link.drop(CLOSE.auth);
    expect(connection.state.get()).toMatchObject({ status: 'refused', error: { code: 'unauthorized' } });
    tokens.push('pasted');
    connection.retry();
    await settle();
    ws.link.open();
    expect(ws.link.last('hello').token).toBe('pasted');
  });

  test('a token source that hangs is asked again', async () => {
    let asked = 0;
    const { ws, clock } = await setup({ token: () => (++asked === 1 ? new Promise(() => undefined) : 'second') });
    await clock.advance(10_000);
    ws.link.open();
    expect(ws.link.last('hello').token).toBe('second');
  });

  test('a token source that fails is tried again, with backoff', async () => {
    let fail = true;
    const { ws, clock, connection } = await setup({ token: () => (fail ? Promise.reject(new Error('no')) : 'ok') });
    expect(connection.state.get().status).toBe('reconnecting');
    fail = false;
    await clock.advance(500);
    expect(ws.links).toHaveLength(1);
  });
});

describe('losing it', () => {
  test('what no longer belongs to the present socket is not heard', async () => {
    const { ws, clock, heard, goLive } = await setup();
    goLive();
    const old = ws.link;
    old.drop(4001);
    await clock.advance(500);
    old.event({ type: 'pong' });
    old.drop(4500);
    goLive();
    old.event({ type: 'pong' });
    ws.link.event({ type: 'pong' });
    expect(heard).toEqual(['live', 'down', 'live', 'pong']);
  });

  test('a server that never says welcome is given up', async () => {
    const { ws, clock, connection } = await setup();
    ws.link.open();
    await clock.advance(CONNECT_DEADLINE_MS);
    expect(ws.links[0]!.closedByClient).toBe(true);
    expect(connection.state.get()).toMatchObject({ status: 'reconnecting', attempt: 1 });
  });

  test('W-3 silence brings a ping; without any answer the socket is dropped', async () => {
    const { ws, clock, heard, goLive } = await setup();
    goLive();
    await clock.advance(20_000);
    expect(ws.link.last('ping').t).toBe(clock.now());
    const link = ws.link;
    await clock.advance(PONG_DEADLINE_MS);
    expect(link.closedByClient).toBe(true);
    expect(heard).toEqual(['live', 'down']);
  });

  test('W-3 any traffic is a sign of life, and an answered ping starts the silence anew', async () => {
    const { ws, clock, heard, goLive } = await setup();
    goLive();
    for (let i = 0; i < 10; i++) {
      await clock.advance(20_000);
      ws.link.event({ type: 'pong' });
    }
    await clock.advance(15_000);
    ws.link.listener.traffic();
    await clock.advance(15_000);
    expect(heard).not.toContain('down');
    expect(ws.link.all('ping')).toHaveLength(10);
  });

  test('a page that wakes up finds out within seconds that its socket is dead', async () => {
    const { ws, clock, goLive, signal } = await setup();
    goLive();
    signal('visible');
    expect(ws.link.all('ping')).toHaveLength(1);
    await clock.advance(PONG_DEADLINE_MS + 1_000);
    expect(ws.links).toHaveLength(2);
  });

  test.each(['offline', 'online', 'visible'] as const)(
    'W-3 a word that was on its way when the page said %s answers for no more than seconds',
    async (said) => {
      const { ws, clock, goLive, signal, heard } = await setup();
      goLive();
      await clock.advance(19_000);
      signal(said);
      ws.link.event({ type: 'live', conversationId: 'c1', logId: 'l1', offset: 1 });
      const link = ws.link;
      await clock.advance(2 * PONG_DEADLINE_MS);
      expect(link.closedByClient).toBe(true);
      expect(heard).toContain('down');
    },
  );

  test('W-3 a link that answers is asked no more than every few seconds after a signal, and soon as seldom as before', async () => {
    const { ws, clock, goLive, signal } = await setup();
    goLive();
    signal('visible');
    let answered = 0;
    for (let second = 0; second < 120; second++) {
      const asked = ws.link.all('ping').length;
      for (; answered < asked; answered++) ws.link.event({ type: 'pong' });
      await clock.advance(1_000);
    }
    // One at once, four in the twenty seconds after it, then one each twenty.
    expect(answered).toBeGreaterThan(7);
    expect(answered).toBeLessThan(12);
    expect(ws.links).toHaveLength(1);
  });

  test('P-10 an outage that the server speaks of shows until events flow again', async () => {
    const { ws, connection, goLive } = await setup();
    goLive();
    ws.link.event({ type: 'error', code: 'unavailable', message: '', retryable: true });
    expect(connection.state.get()).toMatchObject({ status: 'live', error: { code: 'unavailable' } });
    ws.link.event({ type: 'pong' });
    expect(connection.state.get().error).not.toBeNull();
    ws.link.event({ type: 'live', conversationId: 'c1', logId: 'l1', offset: 1 });
    expect(connection.state.get().error).toBeNull();
  });

  test('after a refusal nothing is tried until the user asks', async () => {
    const { ws, clock, connection } = await setup();
    ws.link.open();
    ws.link.drop(4502);
    await clock.advance(600_000);
    expect(ws.links).toHaveLength(1);
    connection.retry();
    await settle();
    expect(ws.links).toHaveLength(2);
  });
});

test('draining moves to a new socket when its turn has come', async () => {
  const { ws, clock, connection, heard, goLive } = await setup();
  goLive();
  ws.link.event({ type: 'draining', reconnectInMs: 3_000 });
  expect(connection.state.get().status).toBe('draining');
  expect(connection.send({ type: 'ping' })).toBe(true);
  await clock.advance(3_000);
  expect(ws.links).toHaveLength(2);
  expect(ws.links[0]!.closedByClient).toBe(true);
  goLive();
  expect(connection.state.get().status).toBe('live');
  expect(heard).toEqual(['live', 'down', 'live']);
});

test('where no WebSocket comes through, SSE takes over', async () => {
  const { ws, sse, clock, connection } = await setup();
  for (let i = 0; i < 2; i++) {
    ws.link.drop(1006);
    await clock.advance(1_000);
  }
  sse.link.open();
  sse.link.welcome();
  expect(connection.state.get()).toMatchObject({ status: 'live', transport: 'sse' });
});

test('close ends everything: socket, timers, signals', async () => {
  const { ws, clock, connection, goLive, signal } = await setup();
  goLive();
  connection.close();
  expect(ws.link.closedByClient).toBe(true);
  expect(connection.state.get().status).toBe('offline');
  signal('online');
  connection.retry();
  await clock.advance(60_000);
  expect(ws.links).toHaveLength(1);
  expect(clock.pending()).toBe(0);
});
