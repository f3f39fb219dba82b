import { createMemoryRunLog, createRedisRunLog, type RunLog } from '@runnel/coordination';
import { MemoryStore, openTimedStore, startRedis, waitFor, type StoreCopy } from '@runnel/coordination/testing';

/** What an event of the outbox is to a relay. */
export interface RelayedEvent {
  type: string;
  conversation: string;
  data: string;
}

/** The store that pods, gateways and clients of a story share: its time passes, and it goes back, when the story says so. */
export interface WholeStore {
  log: RunLog;
  /** Round trips until every hint has been heard and answered. */
  turns: number;
  now(): number;
  pass(ms: number): Promise<void>;
  /** Keeps a copy: the replica's state from now on. */
  replicate(): Promise<void>;
  failover(): Promise<void>;
  takeEvents(): Promise<RelayedEvent[]>;
  has(conversationId: string, messageId: string): Promise<boolean>;
  /** When the last change was. */
  since(): number;
  /** Hears of every event that is written, by `logId:offset`; `look` is called after each step. */
  look(heard: (key: string, json: string) => void): Promise<void>;
  close(): Promise<void>;
}

export const memoryWhole = (): WholeStore => {
  let now = 1_000_000;
  const store = new MemoryStore(() => now, 100_000);
  const log = createMemoryRunLog({ store });
  let older = store.copy();
  const written: [string, string][] = [];
  const emit = store.emit.bind(store);
  store.emit = (conversation, type, fields) => {
    const offset = emit(conversation, type, fields);
    written.push([`${conversation.logId}:${offset}`, conversation.log.at(-1)!.json]);
    return offset;
  };
  return {
    log,
    turns: 0,
    now: () => now,
    pass: async (ms) => void (now += ms),
    replicate: async () => void (older = store.copy()),
    async failover() {
      store.goBack(older);
      store.raise();
    },
    takeEvents: async () => store.outbox.splice(0).map(({ fields }) => fields),
    has: async (conversationId, messageId) => store.conversations.get(conversationId)?.messages.has(messageId) === true,
    since: () => store.generation.since,
    async look(heard) {
      for (const [key, json] of written.splice(0)) heard(key, json);
    },
    close: async () => {},
  };
};

/** A Redis of its own; conversations `c1` and `c2` are looked at. */
export const redisWhole = async (): Promise<WholeStore> => {
  const redis = await startRedis();
  const log = createRedisRunLog({ url: redis.url });
  const timed = openTimedStore(redis.port);
  await waitFor(
    () =>
      log.ping().then(
        () => true,
        () => false,
      ),
    { deadlineMs: 10_000, what: 'the store answers' },
  );
  let older: StoreCopy = await timed.copy();
  let [now, changedAt] = [1_000_000, 0];
  return {
    log,
    turns: 20,
    now: () => now,
    async pass(ms) {
      now += ms;
      await timed.pass(ms);
    },
    replicate: async () => void (older = await timed.copy()),
    async failover() {
      await timed.goBack(older);
      changedAt = now;
      await waitFor(
        () =>
          log.ping().then(
            () => true,
            () => false,
          ),
        { deadlineMs: 10_000, what: 'the store answers again' },
      );
      await timed.pass(0);
    },
    takeEvents: async () => (await timed.takeEvents()) as unknown as RelayedEvent[],
    async has(conversationId, messageId) {
      const page = await log.readHistory({ conversationId, userId: 'ann', limit: 200 });
      return page.kind === 'page' && page.messages.some((message) => message.messageId === messageId);
    },
    since: () => changedAt,
    async look(heard) {
      for (const conversationId of ['c1', 'c2']) {
        const state = await log.readState({ conversationId });
        if (state.kind !== 'snapshot') continue;
        const cursor = { logId: state.logId, offset: 0 };
        const tail = await log.readState({ conversationId, cursor, reach: 'far' });
        if (tail.kind === 'tail') for (const { offset, json } of tail.entries) heard(`${state.logId}:${offset}`, json);
      }
      // What a step took on this machine is no time of the story.
      await timed.pass(0);
    },
    async close() {
      timed.close();
      await log.close();
      await redis.stop();
    },
  };
};
