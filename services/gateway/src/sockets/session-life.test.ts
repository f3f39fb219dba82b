import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CLOSE, CLOSE_REASONS, RunnelError } from '@runnel/protocol';
import type { UnsentBudget, Waiter } from '../budgets/unsent.ts';
import { logged } from '../follow/wire-event.ts';
import { hello, openSession, settle, welcomed } from '../../testing/fake-session.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const nobody = { identity: null };
const KIB_16 = 16 * 1024;
/** A frame of so many bytes. */
const helloOf = (bytes: number): string => {
  const bare = JSON.stringify(hello({ client: '' })).length;
  return JSON.stringify(hello({ client: 'x'.repeat(bytes - bare) }));
};
/** A token that is checked until the test says whose it is. */
const slowly = () => {
  const asked = Promise.withResolvers<{ userId: string; expiresAt: null }>();
  return { verify: () => asked.promise, accept: (userId = 'ann') => asked.resolve({ userId, expiresAt: null }) };
};
const closesOf = async (metrics: Awaited<ReturnType<typeof welcomed>>['metrics']) =>
  (await metrics.closes.get()).values.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.code, value]);

describe('what it is', () => {
  test('open until it ends, welcomed and busy only in between', async () => {
    const { verify, accept } = slowly();
    const { session, say } = openSession({ opening: nobody, verify });
    const is = () => [session.open, session.welcomed, session.busy];
    expect(is()).toEqual([true, false, false]);
    say(hello({ token: 'x' }));
    expect(is()).toEqual([true, false, false]);
    accept();
    await settle();
    expect(is()).toEqual([true, true, false]);
    say({ type: 'follow', conversationId: 'live' });
    expect(is()).toEqual([true, true, true]);
    session.closed();
    expect(is()).toEqual([false, false, false]);
  });

  test('what waits for the peer is counted', async () => {
    const { session, socket } = await welcomed();
    socket.backlog = 7;
    expect(session.unsent).toBe(7);
  });
});

describe('W-1 before welcome', () => {
  test('a first frame of 16 KiB is read, one of a byte more is not', async () => {
    const [fits, large] = [openSession(), openSession()];
    fits.say(helloOf(KIB_16));
    large.say(helloOf(KIB_16 + 1));
    await settle();
    expect([fits.socket.sent[0]?.type, large.socket.code, large.socket.sent]).toEqual(['welcome', CLOSE.protocol, []]);
  });

  test('frames of 16 KiB together wait for the check, one of a byte more does not, nor a binary one', async () => {
    const waiting = () => {
      const opened = openSession({ opening: nobody, verify: slowly().verify });
      opened.say(hello({ token: 'x' }));
      return opened;
    };
    const [fits, large, binary] = [waiting(), waiting(), waiting()];
    fits.say('x'.repeat(KIB_16 - 1));
    large.say('x'.repeat(KIB_16));
    binary.session.message(Buffer.from('x'), true);
    expect([fits, large, binary].map(({ socket }) => socket.code)).toEqual([null, CLOSE.protocol, CLOSE.protocol]);
  });

  test('who said hello is not closed for having said none', async () => {
    const { verify, accept } = slowly();
    const { socket, say } = openSession({ opening: nobody, verify });
    say(hello({ token: 'x' }));
    await vi.advanceTimersByTimeAsync(15_000);
    accept();
    await settle();
    expect([socket.code, socket.sent.map(({ type }) => type)]).toEqual([null, ['welcome']]);
  });

  test('who left before hello is not closed once more', async () => {
    const { socket, session } = openSession();
    session.closed();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(30_000);
    expect([socket.code, socket.pings]).toEqual([null, 0]);
  });

  test('what was sent behind a frame that ended the socket is not carried out', async () => {
    const { verify, accept } = slowly();
    const { socket, say, followed } = openSession({ opening: nobody, verify });
    say(hello({ token: 'x' }));
    say(hello({ protocol: 9 }));
    say({ type: 'follow', conversationId: 'c1' });
    accept();
    await settle();
    expect([socket.code, followed]).toEqual([CLOSE.version, []]);
  });

  test('a token that cannot be checked now is said with the id of its hello, and when to come back', async () => {
    const { socket, say } = openSession({ opening: nobody });
    say(hello({ id: 'h', token: 'down' }));
    await settle();
    expect(socket.sent).toMatchObject([{ type: 'error', id: 'h', code: 'unavailable', retryAfterMs: 1000 }]);
  });

  test('who left while the token was checked is told nothing, and nothing is thrown', async () => {
    const { verify, accept } = slowly();
    const { socket, session, say } = openSession({ opening: nobody, verify });
    say(hello({ token: 'x' }));
    session.closed();
    accept();
    await settle();
    expect([socket.sent, socket.code]).toEqual([[], null]);
  });

  test('a drain is announced only to who was welcomed', () => {
    const { socket, session } = openSession();
    session.announce(1);
    expect(socket.sent).toEqual([]);
  });
});

describe('whose socket it is', () => {
  test('in dev mode the query or the guest cookie says who it is, whatever token comes; a key says it itself', async () => {
    for (const [source, token, userId] of [
      ['query', 'for-bob', 'ann'],
      ['guest', 'for-bob', 'ann'],
      ['header', 'for-bob', 'bob'],
      ['query', undefined, 'ann'],
    ] as const) {
      const { socket, say } = openSession({ opening: { identity: { userId: 'ann', source, expiresAt: null } } });
      say(hello({ token }));
      await settle();
      expect(socket.sent).toMatchObject([{ type: 'welcome', userId }]);
    }
  });

  test('W-2 the same person again is welcomed again; somebody else is another socket', async () => {
    const { socket, say } = openSession({ opening: nobody });
    say(hello({ token: 'for-ann' }));
    await settle();
    say(hello({ token: 'for-ann' }));
    await settle();
    expect(socket.sent.map(({ type }) => type)).toEqual(['welcome', 'welcome']);
    say(hello({ token: 'for-bob' }));
    await settle();
    expect([socket.code, socket.sent.length]).toEqual([CLOSE.auth, 2]);
  });

  test('P-8 a person who was kept out meanwhile is closed at the next hello, too', async () => {
    const banned = new Set<string>();
    const { socket, say } = openSession({ opening: nobody, banned });
    say(hello({ token: 'for-ann' }));
    await settle();
    banned.add('ann');
    say(hello({ token: 'for-ann' }));
    await settle();
    expect(socket.code).toBe(CLOSE.rate);
  });
});

describe('S-6 the sockets of a person', () => {
  const counting = (room: boolean | Promise<boolean>) => {
    const held: string[] = [];
    const release = (userId: string) => void held.splice(held.indexOf(userId), 1);
    const take = (userId: string) => {
      held.push(userId);
      return room;
    };
    return { held, sockets: { take, release } };
  };

  test.each([
    ['at once', true],
    ['by the store', Promise.resolve(true)],
  ])('room that is given %s is held until the end, and given back once', async (_, room) => {
    const { held, sockets } = counting(room);
    const { session, say } = openSession({ budgets: { sockets } });
    say(hello());
    await settle();
    say(hello());
    await settle();
    expect([held, session.welcomed]).toEqual([['ann'], true]);
    session.end('draining');
    held.push('another');
    session.closed();
    expect(held).toEqual(['another']);
  });

  test.each([
    ['at once', () => false],
    ['by the store', () => Promise.resolve(false)],
  ])('who has too many is told %s which limit it is, and closed', async (_, room) => {
    const { socket, say, session } = openSession({ budgets: { sockets: { take: room, release: () => expect.unreachable() } } });
    say(hello());
    await settle();
    expect(socket.sent).toMatchObject([{ type: 'error', code: 'rate-limited', limit: 'sockets', retryAfterMs: 5000 }]);
    expect(socket.code).toBe(CLOSE.overloaded);
    session.closed();
  });

  test.each([true, false])('a socket that ended while its place was asked for holds none (%s) and is told nothing', async (given) => {
    const asked = Promise.withResolvers<boolean>();
    const { held, sockets } = counting(asked.promise);
    const { session, say, socket } = openSession({ budgets: { sockets } });
    say(hello());
    await settle();
    session.closed();
    asked.resolve(given);
    await settle();
    expect([held, socket.sent, socket.code]).toEqual([given ? [] : ['ann'], [], null]);
  });
});

describe('the end', () => {
  test('says its code and reason, is counted once, and cuts who does not answer: a slow reader later than others', async () => {
    for (const [name, ms] of [
      ['draining', 2_000],
      ['slow', 10_000],
    ] as const) {
      const { socket, session, metrics } = await welcomed();
      session.end(name);
      session.end('rate');
      expect([socket.code, socket.reason, await closesOf(metrics)]).toEqual([CLOSE[name], CLOSE_REASONS[name], [[String(CLOSE[name]), 1]]]);
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(socket.terminated).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(socket.terminated).toBe(true);
    }
  });

  test('after it no ping is sent, no token watched, no frame read, no error told', async () => {
    const verify = async () => ({ userId: 'ann', expiresAt: Date.now() + 70_000 });
    const { socket, session, say, followed } = openSession({ opening: nobody, verify });
    say(hello({ token: 'x' }));
    await settle();
    say({ type: 'follow', conversationId: 'c1' });
    session.close();
    socket.sent.length = 0;
    say({ type: 'follow', conversationId: 'c2' });
    session.fail(new RunnelError('bad-frame'));
    session.announce(1);
    await vi.advanceTimersByTimeAsync(120_000);
    expect([socket.sent, socket.pings, socket.code, followed]).toEqual([[], 0, CLOSE.draining, []]);
  });

  test('cut is at once', async () => {
    const { socket, session } = await welcomed();
    session.cut();
    expect(socket.terminated).toBe(true);
  });

  test('S-6 a reader that the node chooses for being behind is too slow; one that is gone is behind no more', async () => {
    const gone: Waiter[] = [];
    const unsent = { behind: () => {}, check: () => {}, caughtUp: (waiter: Waiter) => void gone.push(waiter) } as unknown as UnsentBudget;
    const { socket, session } = await welcomed({ budgets: { unsent } });
    session.slow();
    expect(socket.code).toBe(CLOSE.slow);
    session.closed();
    expect(gone).toEqual([session]);
  });

  test('W-14 who takes nothing is closed as too slow', async () => {
    const { socket, say } = await welcomed();
    socket.backlog = 2 ** 20;
    socket.write = () => {};
    for (let i = 0; i < 20_000 && socket.code === null; i++) say({ type: 'ping', id: 'x'.repeat(64) });
    expect(socket.code).toBe(CLOSE.slow);
  });
});

test('W-14 chunks that join another one, as their reader is behind, are counted', async () => {
  const { socket, say, sinks, metrics } = await welcomed();
  say({ type: 'follow', conversationId: 'c1' });
  socket.backlog = 20_000;
  socket.write = () => {};
  for (const [at, text] of ['a', 'b', 'c', 'd'].entries()) {
    const chunk = { type: 'chunk', conversationId: 'c1', offset: at + 1, runId: 'r1', at, t: 1, text };
    sinks[0]!.send(logged('chunk', 'c1', at + 1, 'L', Buffer.from(JSON.stringify(chunk))), 'L');
  }
  // The first is on its way, the second waits, and two join it.
  expect((await metrics.merges.get()).values.map(({ value }) => value)).toEqual([2]);
});

test('W-3 whatever a client sends is a sign of life', async () => {
  const { socket, say } = await welcomed();
  for (let i = 0; i < 6; i++) {
    await vi.advanceTimersByTimeAsync(20_000);
    say({ type: 'ping' });
  }
  expect(socket.code).toBeNull();
});

test('a socket that is gone leaves no timer, whatever ran', async () => {
  const verify = async () => ({ userId: 'ann', expiresAt: Date.now() + 100_000 });
  const { session, say } = openSession({ opening: nobody, verify });
  say(hello({ token: 'x' }));
  await settle();
  expect(vi.getTimerCount()).toBeGreaterThan(1);
  session.closed();
  expect(vi.getTimerCount()).toBe(0);
});

describe('P-8 habits', () => {
  /** Strikes of which 500 within a minute end a socket. */
  const weights = [
    ['a refused prompt', new RunnelError('rate-limited', '', { limit: 'prompts' }), 5],
    ['a refused command', new RunnelError('rate-limited', '', { limit: 'commands' }), 5],
    ['a refused search', new RunnelError('rate-limited', '', { limit: 'searches' }), 5],
    ['a limit of what stands', new RunnelError('rate-limited', '', { limit: 'follows' }), 1],
    ['a limit without a name', new RunnelError('rate-limited'), 1],
    ['a malformed frame', new RunnelError('bad-frame'), 1],
    ['an unknown frame', new RunnelError('unknown-type'), 1],
    ['what went wrong by itself', new RunnelError('unavailable'), 0],
    ['what is forbidden', new RunnelError('forbidden'), 0],
  ] as const;

  test.each(weights)('%s counts as much as it should', async (_, error, weight) => {
    const banned = new Set<string>();
    const { socket, session } = await welcomed({ banned });
    const times = weight === 0 ? 2_000 : 500 / weight;
    for (let i = 0; i < times - 1; i++) session.fail(error, 'x');
    expect([socket.code, banned.size]).toEqual([null, 0]);
    session.fail(error, 'x');
    expect([socket.code, [...banned]]).toEqual(weight === 0 ? [null, []] : [CLOSE.rate, ['ann']]);
    expect(socket.sent[0]).toMatchObject({ type: 'error', id: 'x', code: error.code });
  });

  test('nobody is kept out for what a socket did before it was anybody’s', async () => {
    const banned = new Set<string>();
    const { socket, session } = openSession({ banned });
    for (let i = 0; i < 500; i++) session.fail(new RunnelError('bad-frame'));
    expect([socket.code, banned.size]).toEqual([CLOSE.rate, 0]);
  });

  test('who is told of too many frames is told when one may come again', async () => {
    const { socket, say } = await welcomed();
    for (let i = 0; i < 2001; i++) say({ type: 'ping' });
    expect(socket.sent.at(-1)).toMatchObject({ type: 'error', code: 'rate-limited', retryAfterMs: 5 });
  });

  test('frames are counted by their kind', async () => {
    const { say, metrics } = await welcomed();
    say({ type: 'ping' });
    say({ type: 'ping' });
    const { values } = await metrics.frames.get();
    expect(values.find(({ labels }) => labels.type === 'ping')?.value).toBe(2);
  });

  test('a binary frame is told what frames are', async () => {
    const { socket, session } = await welcomed();
    session.message(Buffer.from('{"type":"ping"}'), true);
    expect(socket.sent).toMatchObject([{ type: 'error', code: 'bad-frame', message: 'Frames are text.' }]);
  });
});
