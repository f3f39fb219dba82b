import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMetrics, silentLog } from '@runnel/kit';
import { CLOSE, DEFAULT_LIMITS, RunnelError, type ServerEvent } from '@runnel/protocol';
import type { Commands } from './commands.ts';
import { gatewayMetrics } from './gateway-metrics.ts';
import type { Hub } from './hub.ts';
import type { Identity } from './identity.ts';
import { Session, type Opening, type SessionDeps, type SessionSocket } from './session.ts';

class FakeSocket implements SessionSocket {
  bufferedAmount = 0;
  readonly sent: ServerEvent[] = [];
  pings = 0;
  code: number | null = null;
  terminated = false;

  send(data: Buffer, _options: { binary: boolean }, written: () => void): void {
    this.sent.push(JSON.parse(data.toString()) as ServerEvent);
    queueMicrotask(written);
  }
  ping(): void {
    this.pings++;
  }
  close(code: number): void {
    this.code ??= code;
  }
  terminate(): void {
    this.terminated = true;
  }
  errors(): string[] {
    return this.sent.flatMap((event) => (event.type === 'error' ? [event.code] : []));
  }
}

const ann: Identity = { userId: 'ann', source: 'query', expiresAt: null };
const followed: string[] = [];
let answer: (command: { runId?: string }) => Promise<unknown>;
const commands = new Proxy({} as Commands, {
  get: (_, name) => (name === 'worthWaiting' ? () => false : (_caller: unknown, command: { runId?: string }) => answer(command)),
});
const hub = {
  follow: ({ conversationId }: { conversationId: string }) => {
    followed.push(conversationId);
    return { conversationId, live: true, close: () => followed.splice(followed.indexOf(conversationId), 1) };
  },
  hasLiveRun: (id: string) => id === 'live',
} as unknown as Hub;

let banned: Set<string>;
let verify: SessionDeps['auth']['verify'];
const open = (opening: Opening = { identity: ann }) => {
  const socket = new FakeSocket();
  const deps: SessionDeps = {
    hub,
    commands,
    auth: { verify: (token) => verify(token) },
    limits: DEFAULT_LIMITS,
    node: 'n1',
    heartbeatMs: 20_000,
    promptsPerMinute: 100,
    metrics: gatewayMetrics(createMetrics('gateway', { processMetrics: false })),
    log: silentLog,
    bans: banned as unknown as SessionDeps['bans'],
  };
  const session = new Session(socket, deps, opening);
  const say = (frame: unknown) => session.message(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
  return { socket, session, say };
};
const hello = (extra: object = {}) => ({ type: 'hello', protocol: 1, ...extra });
const settle = () => vi.advanceTimersByTimeAsync(0);
const welcomed = async (opening?: Opening) => {
  const opened = open(opening);
  opened.say(hello());
  await settle();
  opened.socket.sent.length = 0;
  return opened;
};

beforeEach(() => {
  vi.useFakeTimers();
  followed.length = 0;
  answer = async () => ({ runId: 'r1', offset: 3, duplicate: false });
  banned = new Set();
  verify = async (token) => {
    if (token === 'down') throw new RunnelError('unavailable');
    if (!token.startsWith('for-')) throw new RunnelError('unauthorized');
    return { userId: token.slice(4), expiresAt: null };
  };
});
afterEach(() => vi.useRealTimers());

test('W-1 a frame before hello closes with 4500', () => {
  for (const frame of [{ type: 'ping' }, 'no json', '[]', { type: 'unheard-of' }, hello({ protocol: 'x' })]) {
    const { socket, say } = open();
    say(frame);
    expect(socket.code).toBe(CLOSE.protocol);
  }
});

test('W-1 a binary frame before hello closes with 4500, whatever it says', () => {
  const { socket, session } = open();
  session.message(Buffer.from(JSON.stringify(hello())), true);
  expect(socket.code).toBe(CLOSE.protocol);
});

test('W-1 no hello within ten seconds closes with 4501', async () => {
  const { socket } = open();
  await vi.advanceTimersByTimeAsync(9_900);
  expect(socket.code).toBeNull();
  await vi.advanceTimersByTimeAsync(200);
  expect(socket.code).toBe(CLOSE.noHello);
});

test('W-1 at most 16 KiB wait for the token to be checked', async () => {
  let accept = () => {};
  verify = () => new Promise((resolve) => (accept = () => resolve({ userId: 'ann', expiresAt: null })));
  const { socket, say } = open({ identity: null });
  say(hello({ token: 'for-ann' }));
  say({ type: 'ping', t: 1 });
  accept();
  await settle();
  expect(socket.sent.map((e) => e.type)).toEqual(['welcome', 'pong']);
  const greedy = open({ identity: null });
  greedy.say(hello({ token: 'for-ann' }));
  for (let i = 0; i < 17; i++) greedy.say({ type: 'ping', pad: 'x'.repeat(1000) });
  expect(greedy.socket.code).toBe(CLOSE.protocol);
});

test('W-2 welcome tells the node, the user and the limits', async () => {
  const { socket, say } = open();
  say(hello());
  await settle();
  expect(socket.sent).toEqual([
    { type: 'welcome', protocol: 1, node: 'n1', userId: 'ann', heartbeatMs: 20_000, limits: { ...DEFAULT_LIMITS, promptsPerMinute: 100 } },
  ]);
});

test('W-2 an unknown version closes with 4502', () => {
  for (const protocol of [0, 2, 1.5, -1]) {
    const { socket, say } = open();
    say(hello({ protocol }));
    expect(socket.code).toBe(CLOSE.version);
  }
});

test('W-2 a token is bad however long it is, and a client may say much about itself', async () => {
  const long = open({ identity: null });
  long.say(hello({ token: 'x'.repeat(9000) }));
  const talkative = open({ identity: null });
  talkative.say(hello({ token: 'for-ann', client: 'x'.repeat(1000) }));
  await settle();
  expect(long.socket.code).toBe(CLOSE.auth);
  expect(talkative.socket.sent).toMatchObject([{ type: 'welcome', userId: 'ann' }]);
});

test('W-2 no token, a bad one, or one of another user later closes with 4503', async () => {
  const none = open({ identity: null });
  none.say(hello());
  const bad = open({ identity: null });
  bad.say(hello({ token: 'bad' }));
  const other = open({ identity: null });
  other.say(hello({ token: 'for-ann' }));
  await settle();
  other.say(hello({ token: 'for-bob' }));
  await settle();
  expect([none, bad, other].map(({ socket }) => socket.code)).toEqual([CLOSE.auth, CLOSE.auth, CLOSE.auth]);
});

test('keys that cannot be had are a reason to come back', async () => {
  const { socket, say } = open({ identity: null });
  say(hello({ token: 'down' }));
  await settle();
  expect(socket.code).toBe(CLOSE.overloaded);
  expect(socket.errors()).toEqual(['unavailable']);
});

test('W-2 a token that ends is announced 60 s before, and a new hello renews it', async () => {
  verify = async () => ({ userId: 'ann', expiresAt: Date.now() + 100_000 });
  const { socket, session, say } = open({ identity: null });
  socket.ping = () => session.pong();
  say(hello({ token: 'first' }));
  await settle();
  await vi.advanceTimersByTimeAsync(39_000);
  expect(socket.errors()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(socket.errors()).toEqual(['token-expired']);
  say(hello({ token: 'second' }));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(socket.code).toBeNull();
  await vi.advanceTimersByTimeAsync(41_000);
  expect(socket.code).toBe(CLOSE.auth);
});

test('W-3 a ping each interval; two without a sign of life close with 4001', async () => {
  const { socket, session } = await welcomed();
  await vi.advanceTimersByTimeAsync(20_000);
  session.pong();
  await vi.advanceTimersByTimeAsync(40_000);
  expect(socket.code).toBeNull();
  expect(socket.pings).toBe(3);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(socket.code).toBe(CLOSE.heartbeat);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(socket.terminated).toBe(true);
});

test('W-3 a client may ping too', async () => {
  const { socket, say } = await welcomed();
  say({ type: 'ping', t: 42 });
  expect(socket.sent).toEqual([{ type: 'pong', t: 42 }]);
});

test('malformed frames get an error that names them, and the socket lives', async () => {
  const { socket, session, say } = await welcomed();
  say('{');
  say({ type: 'follow', id: 7 });
  say({ type: 'fly', id: 8 });
  session.message(Buffer.from([1]), true);
  expect(socket.sent.map((e) => e.type === 'error' && [e.code, e.id])).toEqual([
    ['bad-frame', undefined],
    ['bad-frame', 7],
    ['unknown-type', 8],
    ['bad-frame', undefined],
  ]);
  expect(socket.code).toBeNull();
});

test('P-8 too many frames are refused, and who does not stop is closed with 4505 and kept out', async () => {
  const { socket, say } = await welcomed();
  for (let i = 0; i < 2400; i++) say({ type: 'ping' });
  expect(socket.sent.filter((e) => e.type === 'pong')).toHaveLength(2000);
  expect(new Set(socket.errors())).toEqual(new Set(['rate-limited']));
  expect(socket.code).toBeNull();
  for (let i = 0; i < 100; i++) say({ type: 'ping' });
  expect(socket.code).toBe(CLOSE.rate);
  const again = open();
  again.say(hello());
  await settle();
  expect(again.socket.code).toBe(CLOSE.rate);
});

test('W-7 the cursor of a conversation that did not exist, sent back, asks for a snapshot', async () => {
  const { socket, say } = await welcomed();
  say({ type: 'follow', id: 1, conversationId: 'c1', cursor: { logId: null, offset: 0 } });
  expect(socket.errors()).toEqual([]);
  expect(followed).toEqual(['c1']);
});

test('P-10 commands that wait for another of their conversation are answered within a second, and those not begun never are', async () => {
  const begun: string[] = [];
  answer = ({ runId }) => {
    begun.push(runId!);
    return new Promise((_, reject) => setTimeout(() => reject(new RunnelError('unavailable')), 800));
  };
  const { socket, say } = await welcomed();
  for (const runId of ['r1', 'r2', 'r3']) say({ type: 'cancel', id: runId, conversationId: 'c1', runId });
  await vi.advanceTimersByTimeAsync(950);
  expect(socket.sent.map((e) => e.type === 'error' && [e.id, e.code])).toEqual(['r1', 'r2', 'r3'].map((id) => [id, 'unavailable']));
  await vi.advanceTimersByTimeAsync(5000);
  expect(begun).toEqual(['r1', 'r2']);
  expect(socket.sent).toHaveLength(3);
});

test('W-4 a burst of commands on one socket is carried out whole, some at a time', async () => {
  let underWay = 0;
  let most = 0;
  answer = async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 5));
    underWay--;
    return {};
  };
  const { socket, say } = await welcomed();
  for (let i = 0; i < 500; i++) say({ type: 'cancel', id: i, conversationId: `c${i}`, runId: 'r1' });
  await vi.advanceTimersByTimeAsync(800);
  expect(socket.sent.filter((e) => e.type === 'ok')).toHaveLength(500);
  expect(most).toBeLessThanOrEqual(32);
});

test('P-8 a socket follows a bounded number of conversations; the old follow of one makes place for the new', async () => {
  const { socket, say } = await welcomed();
  for (let i = 0; i < 2000; i++) say({ type: 'follow', conversationId: `c${i}` });
  await vi.advanceTimersByTimeAsync(1000);
  say({ type: 'follow', conversationId: 'c0' });
  expect(socket.errors()).toEqual([]);
  expect(followed).toHaveLength(2000);
  say({ type: 'follow', id: 1, conversationId: 'one-more' });
  expect(socket.errors()).toEqual(['overloaded']);
  say({ type: 'unfollow', conversationId: 'c5' });
  expect(followed).toHaveLength(1999);
});

test('session_id of the query is the first follow, after welcome', async () => {
  const { say, socket } = open({ identity: ann, sessionId: 'mine' });
  expect(followed).toEqual([]);
  say(hello());
  await settle();
  expect(followed).toEqual(['mine']);
  const bad = open({ identity: ann, sessionId: 'not an id' });
  bad.say(hello());
  await settle();
  expect(bad.socket.errors()).toEqual(['bad-frame']);
  expect(socket.code).toBeNull();
});

test('a closed socket follows nothing and says nothing', async () => {
  const { socket, session, say } = await welcomed();
  say({ type: 'follow', conversationId: 'c1' });
  session.closed();
  expect(followed).toEqual([]);
  say({ type: 'ping' });
  expect(socket.sent).toEqual([]);
});

test('a drain is announced, then the socket is closed with 4000', async () => {
  const { socket, session, say } = await welcomed();
  expect(session.busy).toBe(false);
  say({ type: 'follow', conversationId: 'live' });
  expect(session.busy).toBe(true);
  session.announce(1234);
  expect(socket.sent).toEqual([{ type: 'draining', reconnectInMs: 1234 }]);
  session.close();
  expect(socket.code).toBe(CLOSE.draining);
  expect(session.open).toBe(false);
});

test('commands of one conversation keep their order; of two they do not wait for each other', async () => {
  const done: string[] = [];
  const gates = new Map<string, () => void>();
  const slow = new Proxy({} as Commands, {
    get: (_target, name: string) => async (_caller: unknown, command: { conversationId: string }) => {
      if (name === 'prompt' && command.conversationId === 'a') await new Promise<void>((resolve) => gates.set('a', resolve));
      done.push(`${name} ${command.conversationId}`);
      return {};
    },
  });
  const socket = new FakeSocket();
  const { session } = open();
  session.closed();
  const own = new Session(
    socket,
    {
      hub,
      commands: slow,
      auth: { verify },
      limits: DEFAULT_LIMITS,
      node: 'n1',
      heartbeatMs: 20_000,
      promptsPerMinute: 100,
      metrics: gatewayMetrics(createMetrics('gateway', { processMetrics: false })),
      log: silentLog,
      bans: { has: () => false, add: () => {} },
    },
    { identity: ann },
  );
  const say = (frame: unknown) => own.message(Buffer.from(JSON.stringify(frame)), false);
  say(hello());
  await settle();
  say({ type: 'prompt', conversationId: 'a', messageId: 'm', text: 'x' });
  say({ type: 'cancel', conversationId: 'a', runId: 'r' });
  say({ type: 'cancel', conversationId: 'b', runId: 'r' });
  await settle();
  expect(done).toEqual(['cancel b']);
  gates.get('a')!();
  await settle();
  expect(done).toEqual(['cancel b', 'prompt a', 'cancel a']);
});
