import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CLOSE, DEFAULT_LIMITS } from '@runnel/protocol';
import { ann, hello, openSession, settle, welcomed } from '../../testing/fake-session.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('W-1 a frame before hello closes with 4500', () => {
  for (const frame of [{ type: 'ping' }, 'no json', '[]', { type: 'unheard-of' }, hello({ protocol: 'x' })]) {
    const { socket, say } = openSession();
    say(frame);
    expect(socket.code).toBe(CLOSE.protocol);
  }
});

test('W-1 a binary frame before hello closes with 4500, whatever it says', () => {
  const { socket, session } = openSession();
  session.message(Buffer.from(JSON.stringify(hello())), true);
  expect(socket.code).toBe(CLOSE.protocol);
});

test('W-1 no hello within ten seconds closes with 4501', async () => {
  const { socket } = openSession();
  await vi.advanceTimersByTimeAsync(9_900);
  expect(socket.code).toBeNull();
  await vi.advanceTimersByTimeAsync(200);
  expect(socket.code).toBe(CLOSE.noHello);
});

test('W-1 at most 16 KiB wait for the token to be checked', async () => {
  let accept = () => {};
  const verify = () =>
    new Promise<{ userId: string; expiresAt: null }>((resolve) => (accept = () => resolve({ userId: 'ann', expiresAt: null })));
  const { socket, say } = openSession({ opening: { identity: null }, verify });
  say(hello({ token: 'for-ann' }));
  say({ type: 'ping', t: 1 });
  accept();
  await settle();
  expect(socket.sent.map((e) => e.type)).toEqual(['welcome', 'pong']);
  const greedy = openSession({ opening: { identity: null }, verify });
  greedy.say(hello({ token: 'for-ann' }));
  for (let i = 0; i < 17; i++) greedy.say({ type: 'ping', pad: 'x'.repeat(1000) });
  expect(greedy.socket.code).toBe(CLOSE.protocol);
  const empty = openSession({ opening: { identity: null }, verify });
  empty.say(hello({ token: 'for-ann' }));
  for (let i = 0; i < 20_000; i++) empty.say('');
  expect(empty.socket.code).toBe(CLOSE.protocol);
});

test('W-2 welcome tells the node, the user and the limits', async () => {
  const { socket, say } = openSession();
  say(hello());
  await settle();
  expect(socket.sent).toEqual([
    { type: 'welcome', protocol: 1, node: 'n1', userId: 'ann', heartbeatMs: 20_000, limits: { ...DEFAULT_LIMITS, promptsPerMinute: 100 } },
  ]);
});

test('W-2 an unknown version closes with 4502', () => {
  for (const protocol of [0, 2, 1.5, -1]) {
    const { socket, say } = openSession();
    say(hello({ protocol }));
    expect(socket.code).toBe(CLOSE.version);
  }
});

test('W-2 a token is bad however long it is, and a client may say much about itself', async () => {
  const long = openSession({ opening: { identity: null } });
  long.say(hello({ token: 'x'.repeat(9000) }));
  const talkative = openSession({ opening: { identity: null } });
  talkative.say(hello({ token: 'for-ann', client: 'x'.repeat(1000) }));
  await settle();
  expect(long.socket.code).toBe(CLOSE.auth);
  expect(talkative.socket.sent).toMatchObject([{ type: 'welcome', userId: 'ann' }]);
});

test('W-2 no token, a bad one, or one of another user later closes with 4503', async () => {
  const none = openSession({ opening: { identity: null } });
  none.say(hello());
  const bad = openSession({ opening: { identity: null } });
  bad.say(hello({ token: 'bad' }));
  const other = openSession({ opening: { identity: null } });
  other.say(hello({ token: 'for-ann' }));
  await settle();
  other.say(hello({ token: 'for-bob' }));
  await settle();
  expect([none, bad, other].map(({ socket }) => socket.code)).toEqual([CLOSE.auth, CLOSE.auth, CLOSE.auth]);
});

test('keys that cannot be had are a reason to come back', async () => {
  const { socket, say } = openSession({ opening: { identity: null } });
  say(hello({ token: 'down' }));
  await settle();
  expect(socket.code).toBe(CLOSE.overloaded);
  expect(socket.errors()).toEqual(['unavailable']);
});

test('W-2 a token that ends is announced 60 s before, and a new hello renews it', async () => {
  const verify = async () => ({ userId: 'ann', expiresAt: Date.now() + 100_000 });
  const { socket, session, say } = openSession({ opening: { identity: null }, verify });
  socket.ping = () => session.controlFrame();
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
  session.controlFrame();
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
  say({ type: 'ping', id: 'p1' });
  expect(socket.sent).toEqual([
    { type: 'pong', t: 42 },
    { type: 'pong', id: 'p1' },
  ]);
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
  const banned = new Set<string>();
  const { socket, say } = await welcomed({ banned });
  for (let i = 0; i < 2400; i++) say({ type: 'ping' });
  expect(socket.sent.filter((e) => e.type === 'pong')).toHaveLength(2000);
  expect(new Set(socket.errors())).toEqual(new Set(['rate-limited']));
  expect(socket.code).toBeNull();
  for (let i = 0; i < 100; i++) say({ type: 'ping' });
  expect(socket.code).toBe(CLOSE.rate);
  const again = openSession({ banned });
  again.say(hello());
  await settle();
  expect(again.socket.code).toBe(CLOSE.rate);
});

test('P-8 pings and pongs are frames like any: who floods with them is closed with 4505', async () => {
  const { socket, session } = await welcomed();
  for (let i = 0; i < 2400; i++) session.controlFrame();
  expect(socket.code).toBeNull();
  for (let i = 0; i < 200; i++) session.controlFrame();
  expect(socket.code).toBe(CLOSE.rate);
});

test('W-7 the cursor of a conversation that did not exist, sent back, asks for a snapshot', async () => {
  const { socket, say, followed } = await welcomed();
  say({ type: 'follow', id: 1, conversationId: 'c1', cursor: { logId: null, offset: 0 } });
  expect(socket.errors()).toEqual([]);
  expect(followed).toEqual(['c1']);
});

test('P-8 a socket follows a bounded number of conversations; the old follow of one makes place for the new', async () => {
  const { socket, say, followed } = await welcomed();
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

test('W-8 W-10 following again what is followed live is counted: with a cursor as a gap, without one as a mismatch', async () => {
  const { say, metrics } = await welcomed();
  const doubts = async () => (await metrics.refollows.get()).values.map(({ labels, value }) => [labels.reason, value]);
  say({ type: 'follow', conversationId: 'c1' });
  say({ type: 'unfollow', conversationId: 'c1' });
  say({ type: 'follow', conversationId: 'c1', cursor: { logId: 'log', offset: 3 } });
  expect(await doubts()).toEqual([
    ['gap', 0],
    ['mismatch', 0],
  ]);
  say({ type: 'follow', conversationId: 'c1', cursor: { logId: 'log', offset: 5 } });
  say({ type: 'follow', conversationId: 'c1' });
  say({ type: 'follow', conversationId: 'c1' });
  expect(await doubts()).toEqual([
    ['gap', 1],
    ['mismatch', 2],
  ]);
});

test('session_id of the query is the first follow, after welcome', async () => {
  const { say, socket, followed } = openSession({ opening: { identity: ann, sessionId: 'mine' } });
  expect(followed).toEqual([]);
  say(hello());
  await settle();
  expect(followed).toEqual(['mine']);
  const bad = openSession({ opening: { identity: ann, sessionId: 'not an id' } });
  bad.say(hello());
  await settle();
  expect(bad.socket.errors()).toEqual(['bad-frame']);
  expect(socket.code).toBeNull();
});

test('a closed socket follows nothing and says nothing', async () => {
  const { socket, session, say, followed } = await welcomed();
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
