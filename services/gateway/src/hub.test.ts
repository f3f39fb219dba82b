import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import fc from 'fast-check';
import { createMetrics } from '@runnel/kit';
import { createMemoryRunLog } from '@runnel/coordination';
import { gatewayMetrics } from './gateway-metrics.ts';
import { createHub, type Hub } from './hub.ts';
import { faultyLog, type FaultyLog } from './testing/faulty-log.ts';
import { Screen } from './testing/screen.ts';
import { TestOwner } from './testing/test-owner.ts';

const C = 'c1';
let log: FaultyLog;
let hub: Hub;
let owner: TestOwner;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  log = faultyLog(createMemoryRunLog());
  hub = createHub({ runLog: log, metrics: gatewayMetrics(createMetrics('gateway', { processMetrics: false })), random: () => 0.5 });
  owner = new TestOwner(log);
});
afterEach(async () => {
  await hub.close();
  vi.useRealTimers();
});

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms).then(() => new Promise<void>((resolve) => setImmediate(resolve)));
const begin = async (n = 1) => {
  const message = { messageId: `m${n}`, text: 'hi' };
  await log.beginRun({ conversationId: C, userId: 'ann', runId: `r${n}`, model: 'default', message, title: 'hi' });
  await owner.claim({ conversationId: C, runId: `r${n}` });
};
const follow = (screen = new Screen(C), cursor: { logId: string; offset: number } | null = null, userId = 'ann') => {
  const handle = hub.follow({ conversationId: C, userId, cursor, sink: screen });
  return { screen, handle };
};

describe('following', () => {
  test('W-7 the subscription is acknowledged before the log is read', async () => {
    follow();
    await pass();
    expect(log.calls).toEqual(['follow', 'read']);
  });

  test('W-7 a conversation that does not exist begins empty, and its first event names the log', async () => {
    const { screen } = follow();
    await pass();
    expect(screen.state).toMatchObject({ logId: null, offset: 0 });
    await begin();
    await pass();
    expect(screen.state.logId).not.toBeNull();
    expect(screen.types.slice(0, 2)).toEqual(['snapshot', 'live']);
    expect(screen.types).not.toContain('gap');
  });

  test('W-7 a known cursor gets the missed events, then live', async () => {
    await begin();
    await owner.say('r1', 'one ');
    const { screen, handle } = follow();
    await pass();
    handle.close();
    await owner.say('r1', 'two ');
    const again = hub.follow({
      conversationId: C,
      userId: 'ann',
      cursor: { logId: screen.state.logId!, offset: screen.state.offset },
      sink: screen,
    });
    await pass();
    expect(screen.text('r1')).toBe('one two ');
    expect(screen.snapshots).toBe(1);
    expect(screen.types.slice(-3)).toEqual(['chunk', 'live', 'presence']);
    expect(again.live).toBe(true);
  });

  test('what comes live while the log is read is neither lost nor doubled', async () => {
    await begin();
    let release = () => {};
    log.beforeRead = () => new Promise((resolve) => (release = resolve));
    const { screen } = follow();
    await pass();
    await owner.say('r1', 'early ');
    await pass();
    release();
    await pass();
    await owner.say('r1', 'late');
    await pass();
    expect(screen.text('r1')).toBe('early late');
  });

  test('somebody else is refused, once and for all', async () => {
    await begin();
    const { screen, handle } = follow(new Screen(C), null, 'bob');
    await pass();
    expect(screen.errors.map((e) => e.code)).toEqual(['forbidden']);
    expect(screen.types).toEqual([]);
    expect(handle.live).toBe(false);
    await owner.say('r1', 'secret');
    await pass(60_000);
    expect(screen.types).toEqual([]);
  });

  test('a reload storm shares reads and bytes', async () => {
    await begin();
    const screens = Array.from({ length: 200 }, () => follow().screen);
    await pass(100);
    expect(screens.every((s) => s.snapshots === 1)).toBe(true);
    expect(log.calls.filter((c) => c === 'read').length).toBeLessThanOrEqual(2);
    expect(log.calls.filter((c) => c === 'follow').length).toBe(1);
  });

  test('P-1 a reader that comes while a read is under way gets one of its own: what happened before it came is in it', async () => {
    await begin();
    const held: (() => void)[] = [];
    log.beforeRead = () => new Promise((resolve) => held.push(resolve));
    follow();
    await pass();
    log.channel = 'dead';
    await owner.say('r1', 'x');
    const { screen } = follow();
    await pass(60);
    for (const release of held) release();
    await pass();
    expect(log.calls.filter((c) => c === 'read')).toHaveLength(2);
    expect(screen.text('r1')).toBe('x');
  });

  test('a subscription lingers for a reload and is closed after it', async () => {
    const first = follow();
    await pass();
    first.handle.close();
    await pass(1000);
    follow().handle.close();
    await pass();
    expect(log.calls.filter((c) => c === 'follow')).toHaveLength(1);
    await pass(3000);
    follow();
    await pass();
    expect(log.calls.filter((c) => c === 'follow')).toHaveLength(2);
  });
});

describe('when the channel fails', () => {
  test('W-7 a lost event is a gap, and a gap is read', async () => {
    await begin();
    const { screen } = follow();
    await pass();
    log.channel = 'dead';
    await owner.say('r1', 'lost ');
    await pass();
    log.channel = 'whole';
    await owner.say('r1', 'seen');
    await pass();
    expect(screen.text('r1')).toBe('lost seen');
    expect(screen.snapshots).toBe(1);
  });

  test('P-10 a channel that is silent without a sign: the answer goes on and ends by reading', async () => {
    await begin();
    const { screen } = follow();
    await owner.say('r1', 'a');
    await pass();
    log.channel = 'dead';
    await owner.say('r1', 'b');
    await pass(1500);
    expect(screen.text('r1')).toBe('ab');
    await owner.say('r1', 'c');
    await pass(400);
    expect(screen.text('r1')).toBe('abc');
    await owner.end('r1');
    await pass(400);
    expect(screen.state.ended).toMatchObject({ runId: 'r1', reason: 'complete' });
  });

  test('P-10 without any channel, readers read, and hear of nothing', async () => {
    log.subscribes = 'unavailable';
    await begin();
    const { screen } = follow();
    await pass();
    await owner.say('r1', 'polled');
    await pass(400);
    expect(screen.text('r1')).toBe('polled');
    expect(screen.errors).toEqual([]);
    log.subscribes = 'fine';
    await pass(6000);
    expect(log.calls).toContain('follow');
    await owner.say('r1', ' live');
    await pass();
    expect(screen.text('r1')).toBe('polled live');
  });

  test('after an interruption everybody reads, idle conversations too', async () => {
    const { screen } = follow();
    await begin();
    await pass();
    await owner.end('r1');
    await pass();
    log.channel = 'dead';
    await begin(2);
    log.heal();
    await pass(700);
    expect(screen.state.run).toMatchObject({ runId: 'r2' });
  });

  test('an idle conversation is looked at now and then: another node may have been prompted', async () => {
    const { screen } = follow();
    await pass();
    log.channel = 'dead';
    await begin();
    await pass(40_000);
    expect(screen.state.run).toMatchObject({ runId: 'r1' });
  });
});

describe('when the store fails', () => {
  test('P-10 a failed first read is told once and tried again until it works', async () => {
    await begin();
    log.reads = 'unavailable';
    const { screen } = follow();
    await pass(3000);
    expect(screen.errors.map((e) => e.code)).toEqual(['unavailable']);
    expect(screen.opens).toBe(0);
    log.reads = 'fine';
    await pass(4000);
    expect(screen.opens).toBe(1);
    expect(screen.state.run).toMatchObject({ runId: 'r1' });
  });

  test('a failed poll leaves the reader where it is', async () => {
    await begin();
    const { screen } = follow();
    await owner.say('r1', 'a');
    await pass();
    log.reads = 'unavailable';
    await pass(3000);
    await owner.say('r1', 'b');
    await pass();
    expect(screen.text('r1')).toBe('ab');
  });
});

describe('when the log changes', () => {
  const restore = async (text: string) => {
    const state = await log.readState({ conversationId: C });
    if (state.kind !== 'snapshot') throw new Error('no conversation');
    return (other: FaultyLog) =>
      other.restoreRun({
        conversationId: C,
        runId: 'r1',
        epoch: 1,
        owner: 'test',
        leaseMs: 60_000,
        newLogId: 'fresh',
        userId: 'ann',
        title: 'hi',
        run: { runId: 'r1', parentId: 'm1', model: 'default', startedAt: 1 },
        text,
        messages: state.messages,
      });
  };
  /** The same hub over a store that lost everything. */
  const loseData = () => {
    const empty = createMemoryRunLog();
    const { readState, restoreRun, follow: subscribe } = empty;
    Object.assign(log, {
      readState: async (query: Parameters<typeof readState>[0]) => {
        log.calls.push('read');
        return readState(query);
      },
      restoreRun,
    });
    return { empty, subscribe };
  };

  test('L-6 a log that is gone is waited for, and its restored form comes as a snapshot (W-13)', async () => {
    await begin();
    const { screen } = follow();
    await owner.say('r1', 'kept');
    await pass();
    const write = await restore('kept');
    loseData();
    log.heal();
    await pass(2000);
    expect(screen.state.run?.text).toBe('kept');
    await write(log);
    await pass(600);
    expect(screen.state).toMatchObject({ logId: 'fresh', run: { runId: 'r1', text: 'kept' } });
    expect(screen.snapshots).toBe(2);
  });

  test('L-6 a store that failed over to less than was shown is waited for: a screen does not go back', async () => {
    await begin();
    const { screen } = follow();
    await owner.say('r1', 'kept');
    const lagging = await log.readState({ conversationId: C });
    await owner.say('r1', ' and more');
    await pass();
    const { readState } = log;
    log.readState = () => Promise.resolve(lagging);
    log.heal();
    await pass(2000);
    expect(screen.text('r1')).toBe('kept and more');
    expect(screen.snapshots).toBe(1);
    log.readState = readState;
    await pass(600);
    expect(screen.snapshots).toBe(1);
    // Nobody writes it again: after the grace the store is right.
    log.readState = () => Promise.resolve(lagging);
    log.heal();
    await pass(7000);
    expect(screen.text('r1')).toBe('kept');
  });

  test('L-6 a log that nobody restores is empty after three seconds', async () => {
    await begin();
    const { screen } = follow();
    await pass();
    loseData();
    log.heal();
    await pass(2000);
    expect(screen.state.logId).not.toBeNull();
    await pass(2500);
    expect(screen.state).toMatchObject({ logId: null, offset: 0, messages: [] });
  });

  test('W-13 a deleted conversation is empty at once', async () => {
    await begin();
    const { screen } = follow();
    await owner.end('r1');
    await pass();
    await log.deleteConversation({ conversationId: C, userId: 'ann' });
    await pass();
    expect(screen.state).toMatchObject({ logId: null, offset: 0, messages: [] });
    await begin(2);
    await pass();
    expect(screen.state.run).toMatchObject({ runId: 'r2' });
  });
});

test('P-5 while the channel is known to be down, the end of a run is on the screen within 150 ms', async () => {
  await begin();
  const { screen } = follow();
  await pass();
  log.cut();
  await pass(500);
  await owner.end('r1');
  await pass(150);
  expect(screen.types).toContain('run-ended');
});

test('P-5 a channel that is cut again and again does not put the polls off', async () => {
  await begin();
  const { screen } = follow();
  await pass();
  log.cut();
  await owner.end('r1');
  for (let i = 0; i < 8; i++) {
    await pass(20);
    log.heal();
    log.cut();
  }
  expect(screen.types).toContain('run-ended');
});

test('P-5 sawEnd tells when the end of a run passes, and when it does not', async () => {
  await begin();
  follow();
  await pass();
  const saw = hub.sawEnd(C, 'r1', 100);
  await owner.end('r1');
  await pass();
  await expect(saw).resolves.toBe(true);
  const never = hub.sawEnd(C, 'r1', 100);
  await pass(100);
  await expect(never).resolves.toBe(false);
});

test('P-1 whatever the channel loses and whenever readers come, each sees every byte once and in order', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant('say') },
    { weight: 2, arbitrary: fc.constant('follow') },
    { weight: 1, arbitrary: fc.constantFrom('leave', 'resume', 'die', 'heal', 'wait', 'slow-read') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.array(fc.nat(9), { minLength: 1 }), async (steps, luck) => {
      const memory = faultyLog(createMemoryRunLog());
      const ownHub = createHub({
        runLog: memory,
        metrics: gatewayMetrics(createMetrics('gateway', { processMetrics: false })),
        random: () => 0.5,
      });
      const writer = new TestOwner(memory);
      let draw = 0;
      memory.loses = () => luck[draw++ % luck.length]! === 0;
      await memory.beginRun({
        conversationId: C,
        userId: 'ann',
        runId: 'r1',
        model: 'default',
        message: { messageId: 'm1', text: 'hi' },
        title: 'hi',
      });
      await writer.claim({ conversationId: C, runId: 'r1' });
      const readers: { screen: Screen; handle: { close(): void } | null }[] = [];
      const open = (screen: Screen) => {
        const { logId, offset } = screen.state;
        return ownHub.follow({ conversationId: C, userId: 'ann', cursor: logId === null ? null : { logId, offset }, sink: screen });
      };
      let said = '';
      for (const [index, what] of steps.entries()) {
        if (what === 'say') {
          said += `w${index} `;
          await writer.say('r1', `w${index} `);
        } else if (what === 'follow') {
          const screen = new Screen(C);
          readers.push({ screen, handle: open(screen) });
        } else if (what === 'leave') {
          const reader = readers[index % Math.max(1, readers.length)];
          reader?.handle?.close();
          if (reader) reader.handle = null;
        } else if (what === 'resume') {
          for (const reader of readers) reader.handle ??= open(reader.screen);
        } else if (what === 'die') memory.channel = 'dead';
        else if (what === 'heal') memory.heal();
        else if (what === 'slow-read') memory.beforeRead = () => new Promise((resolve) => setTimeout(resolve, 30));
        await pass(what === 'wait' ? 1500 : 5);
      }
      for (const reader of readers) reader.handle ??= open(reader.screen);
      await writer.end('r1');
      await pass(3000);
      for (const { screen } of readers)
        expect(screen.state).toMatchObject({ run: null, messages: [{}, { messageId: 'r1', text: said, status: 'complete' }] });
      await ownHub.close();
    }),
    { numRuns: 200 },
  );
});
