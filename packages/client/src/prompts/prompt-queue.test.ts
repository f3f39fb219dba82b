import { RunnelError, type OkEvent } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { createPromptQueue, MAX_QUEUED_PROMPTS } from './prompt-queue.ts';
import type { PromptStorage } from './prompt-storage.ts';
import type { Command } from '../api/requests.ts';
import { createFakeClock, settle } from '../../testing/fake-clock.ts';

const createStorage = (): PromptStorage & { entries: Map<string, string> } => {
  const entries = new Map<string, string>();
  return {
    entries,
    get length() {
      return entries.size;
    },
    key: (index) => [...entries.keys()][index] ?? null,
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => void entries.set(key, value),
    removeItem: (key) => void entries.delete(key),
  };
};

const setup = (options: { storage?: PromptStorage; live?: boolean; userId?: string; page?: string } = {}) => {
  const clock = createFakeClock();
  const line = { live: options.live ?? false };
  const sent: { command: Command; resolve: (ok: OkEvent) => void; reject: (error: unknown) => void }[] = [];
  const queue = createPromptQueue({
    send: (command) => new Promise((resolve, reject) => sent.push({ command, resolve, reject })),
    isLive: () => line.live,
    clock,
    random: () => 0.5,
    ...(options.storage && { storage: options.storage }),
    ...(options.userId !== undefined && { userId: options.userId }),
    ...(options.page !== undefined && { page: options.page }),
  });
  if (line.live) queue.connected(null);
  const add = (messageId: string, conversationId = 'c1'): void =>
    queue.add({ messageId, conversationId, runId: `run-${messageId}`, text: 'xin chào' });
  const connect = (userId: string | null = null): void => {
    line.live = true;
    queue.connected(userId);
  };
  const statuses = (conversationId = 'c1'): string[] => queue.pending(conversationId).map((p) => `${p.messageId} ${p.status}`);
  return { clock, line, sent, queue, add, connect, statuses };
};
type Setup = ReturnType<typeof setup>;
const ids = (sent: { command: Command }[]): string[] => sent.map(({ command }) => (command as { messageId: string }).messageId);
const ok: OkEvent = { type: 'ok', runId: 'r', offset: 2, duplicate: false };

describe('offline', () => {
  test('the files of a prompt go out with it, also after a reload', () => {
    const storage = createStorage();
    const first = setup({ storage, userId: 'ann' });
    first.queue.add({ messageId: 'm1', conversationId: 'c1', runId: 'r1', text: 'look', files: ['f1', 'f2'] });
    const { connect, sent } = setup({ storage, userId: 'ann' });
    connect('ann');
    expect(sent.map(({ command }) => command)).toMatchObject([{ messageId: 'm1', files: ['f1', 'f2'] }]);
  });

  test('prompts wait, go out in order with the connection, one at a time in a conversation', async () => {
    const { add, connect, sent, statuses } = setup();
    add('m1');
    add('m2');
    add('n1', 'c2');
    expect(statuses()).toEqual(['m1 queued', 'm2 queued']);
    connect();
    expect(ids(sent)).toEqual(['m1', 'n1']);
    sent[0]!.resolve(ok);
    await settle();
    expect(ids(sent)).toEqual(['m1', 'n1', 'm2']);
    expect(statuses()).toEqual(['m1 sent', 'm2 sending']);
  });

  test('W-5 one written offline waits for the run in front of it', async () => {
    const { add, connect, sent, statuses, queue, clock } = setup();
    add('m1');
    connect();
    sent[0]!.reject(new RunnelError('busy', undefined, { runId: 'other' }));
    await settle();
    expect(statuses()).toEqual(['m1 queued']);
    queue.unblock('c1');
    expect(ids(sent)).toEqual(['m1', 'm1']);
    sent[1]!.reject(new RunnelError('busy'));
    await settle();
    await clock.advance(2_000);
    expect(ids(sent)).toEqual(['m1', 'm1', 'm1']);
  });

  test('P-8 it does not wait for ever', async () => {
    const { add, connect, sent, statuses, clock } = setup();
    add('m1');
    connect();
    for (let i = 0; i < 25 && statuses()[0] !== 'm1 failed'; i++) {
      sent.at(-1)!.reject(new RunnelError('busy'));
      await clock.advance(60_000);
    }
    expect(statuses()).toEqual(['m1 failed']);
  });

  test('W-4 one that was cut off goes out again under the same ids', async () => {
    const { add, connect, sent, line, statuses } = setup({ live: true });
    add('m1');
    line.live = false;
    sent[0]!.reject(new RunnelError('unavailable'));
    await settle();
    expect(statuses()).toEqual(['m1 queued']);
    connect();
    expect(sent[1]!.command).toEqual(sent[0]!.command);
  });
});

describe('errors', () => {
  test.each(['busy', 'rate-limited', 'overloaded', 'unavailable', 'too-long'] as const)(
    '%s shows on the prompt and leaves the choice to its writer',
    async (code) => {
      const { add, sent, queue, statuses } = setup({ live: true });
      add('m1');
      sent[0]!.reject(new RunnelError(code, undefined, { retryAfterMs: 900 }));
      await settle();
      expect(queue.pending('c1')[0]).toMatchObject({ status: 'failed', error: { code, retryAfterMs: 900 } });
      queue.retry('m1');
      expect(sent[1]!.command).toEqual(sent[0]!.command);
      expect(statuses()).toEqual(['m1 sending']);
      expect(queue.pending('c1')[0]!.error).toBeNull();
    },
  );

  test('a failed prompt does not hold up the next one', async () => {
    const { add, sent } = setup({ live: true });
    add('m1');
    add('m2');
    sent[0]!.reject(new RunnelError('too-long'));
    await settle();
    expect(ids(sent)).toEqual(['m1', 'm2']);
  });

  test('P-8 the queue is bounded and says so', () => {
    const { add } = setup();
    for (let i = 0; i < MAX_QUEUED_PROMPTS; i++) add(`m${i}`);
    expect(() => add('one-more')).toThrow(expect.objectContaining({ code: 'overloaded' }));
  });
});

describe('storage', () => {
  test('prompts survive a reload until they are sent', async () => {
    const storage = createStorage();
    setup({ storage, userId: 'ann' }).add('m1');
    const { connect, sent, statuses } = setup({ storage, userId: 'ann' });
    expect(statuses()).toEqual(['m1 queued']);
    connect('ann');
    sent[0]!.resolve(ok);
    await settle();
    expect(storage.entries.size).toBe(0);
  });

  test('whether one that was being sent arrived is not known, so it is sent again', () => {
    const storage = createStorage();
    setup({ storage, live: true, userId: 'ann' }).add('m1');
    const { connect, sent } = setup({ storage });
    connect('ann');
    expect(ids(sent)).toEqual(['m1']);
  });

  test('nobody sends, or sees, what another user wrote on the same device', () => {
    const storage = createStorage();
    setup({ storage, userId: 'ann' }).add('m1');
    const ben = setup({ storage });
    expect(ben.statuses()).toEqual([]);
    ben.connect('ben');
    expect(ben.statuses()).toEqual([]);
    expect(ben.sent).toEqual([]);
    const ann = setup({ storage });
    ann.connect('ann');
    expect(ids(ann.sent)).toEqual(['m1']);
  });

  test('one written before anybody was known belongs to whom the page turns out to be', () => {
    const storage = createStorage();
    const { add, connect, sent } = setup({ storage });
    add('m1');
    connect('ann');
    expect(ids(sent)).toEqual(['m1']);
    setup({ storage }).connect('ben');
    expect(JSON.parse(storage.getItem('runnel.outbox.m1')!)).toMatchObject({ userId: 'ann' });
  });

  test.each([
    ['a reload', (storage: PromptStorage) => setup({ storage })],
    ['a refusal', (_storage: PromptStorage, before: Setup) => (before.queue.refused(), before)],
  ])('after %s nobody knows any more who wrote it: it goes out when somebody says so, in their own name', async (_name, after) => {
    const storage = createStorage();
    const before = setup({ storage });
    before.add('m1');
    const { connect, sent, queue } = after(storage, before);
    connect('ben');
    expect(sent).toEqual([]);
    expect(queue.pending('c1')).toMatchObject([{ status: 'failed', error: { code: 'unauthorized' } }]);
    queue.retry('m1');
    expect(ids(sent)).toEqual(['m1']);
    expect(JSON.parse(storage.getItem('runnel.outbox.m1')!)).toMatchObject({ userId: 'ben' });
  });

  test('after a reload of the same page it is still its own, and goes out; of another page it is not', () => {
    const storage = createStorage();
    setup({ storage, page: 'tab-1' }).add('m1');
    const other = setup({ storage, page: 'tab-2' });
    other.connect('ben');
    expect(other.sent).toEqual([]);
    const same = setup({ storage, page: 'tab-1' });
    expect(same.statuses()).toEqual(['m1 queued']);
    same.connect('ann');
    expect(ids(same.sent)).toEqual(['m1']);
    // Somebody was refused there in between: then it may be anybody's again.
    same.queue.drop('m1');
    const refused = setup({ storage, page: 'tab-1' });
    refused.add('m2');
    refused.queue.refused();
    const again = setup({ storage, page: 'tab-1' });
    again.connect('ben');
    expect(again.sent).toEqual([]);
  });

  test('one that was being sent when somebody else signed in waits for its writer', async () => {
    const storage = createStorage();
    const { add, connect, sent, statuses } = setup({ storage });
    connect('ann');
    add('m1');
    connect('ben');
    sent[0]!.reject(new RunnelError('unavailable'));
    await settle();
    expect(statuses()).toEqual([]);
    expect(JSON.parse(storage.getItem('runnel.outbox.m1')!)).toMatchObject({ userId: 'ann', status: 'queued' });
    connect('ann');
    expect(ids(sent)).toEqual(['m1', 'm1']);
  });

  test('one that is too old to be recognised as a repetition is dropped, and so is what cannot be read', async () => {
    const storage = createStorage();
    setup({ storage }).add('m1');
    const old = JSON.parse(storage.getItem('runnel.outbox.m1')!) as { createdAt: number };
    storage.setItem('runnel.outbox.m1', JSON.stringify({ ...old, createdAt: old.createdAt - 86_400_000 }));
    storage.setItem('runnel.outbox.m2', '{');
    storage.setItem('other', 'kept');
    expect(setup({ storage }).statuses()).toEqual([]);
    expect([...storage.entries.keys()]).toEqual(['other']);
  });

  test('a full storage costs the reload, not the prompt', () => {
    const storage = createStorage();
    storage.setItem = () => {
      throw new Error('quota');
    };
    const { add, statuses } = setup({ storage });
    add('m1');
    expect(statuses()).toEqual(['m1 queued']);
  });
});

describe('W-5 one that waits for the run in front of it', () => {
  const waits = (queue: Setup['queue'], messageId: string): void =>
    queue.add({ messageId, conversationId: 'c1', runId: `run-${messageId}`, text: 'xin chào', parentId: 'run-1' }, { waits: true });

  test('goes out when the run has ended, and tries nothing before, however long that takes', async () => {
    const { queue, sent, clock, statuses } = setup({ live: true });
    queue.hold('c1');
    waits(queue, 'm1');
    await clock.advance(3_600_000);
    expect(sent).toEqual([]);
    expect(statuses()).toEqual(['m1 queued']);
    queue.unblock('c1');
    expect(sent[0]!.command).toMatchObject({ messageId: 'm1', parentId: 'run-1' });
  });

  test('goes after the answer that somebody else began in the same moment', async () => {
    const { queue, sent } = setup({ live: true });
    waits(queue, 'm1');
    queue.hold('c1');
    sent[0]!.reject(new RunnelError('busy', undefined, { runId: 'other' }));
    await settle();
    queue.unblock('c1');
    expect(ids(sent)).toEqual(['m1', 'm1']);
    expect(sent[1]!.command).not.toHaveProperty('parentId');
  });

  test('one that does not wait is refused at once, as ever', async () => {
    const { queue, sent, add, statuses } = setup({ live: true });
    queue.hold('c1');
    add('m1');
    sent[0]!.reject(new RunnelError('busy'));
    await settle();
    expect(statuses()).toEqual(['m1 failed']);
  });
});

test('listeners hear which conversation changed', () => {
  const { add, queue } = setup();
  const heard: string[] = [];
  queue.subscribe((id) => heard.push(id));
  add('m1');
  add('m2', 'c2');
  queue.drop('m1');
  expect(heard).toEqual(['c1', 'c2', 'c1']);
  expect(queue.pending('c1')).toBe(queue.pending('c1'));
});
