import { expect, test } from 'vitest';
import type { ConsumeOptions, EventBus, EventRecord, ReceivedRecord } from './event-bus.ts';
import { withPrefixes } from './prefixed-bus.ts';

/** Writes down what it is asked, and hands out what is stored under the names it is asked for. */
const keeping = () => {
  const asked: unknown[] = [];
  const stored: EventRecord[] = [];
  const received = (topics: readonly string[]): ReceivedRecord[] =>
    stored.filter(({ topic }) => topics.includes(topic)).map((record) => ({ ...record, partition: 0, kafkaOffset: '0', headers: {} }));
  const bus: EventBus = {
    publish: async (records) => void stored.push(...records),
    deliver: async (records) => {
      stored.push(...records);
      return records.map(() => ({ outcome: 'stored' }));
    },
    consume: async ({ group, topics, handle }) => {
      asked.push({ group, topics });
      await handle(received(topics));
      return { stop: async () => {} };
    },
    readToEnd: async ({ group, topics, handle }) => {
      asked.push({ group, topics });
      await handle(received(topics));
    },
    ensureTopics: async (topics) => topics.map((topic) => ({ topic, partitions: 3, warnings: [] })),
    lag: async (group, topics) => {
      asked.push({ group, topics });
      return 0;
    },
    close: async () => {},
  };
  return { bus, asked, stored };
};
const record = (topic: string): EventRecord => ({ topic, key: 'k', value: new Uint8Array() });

test('names have their prefixes at the brokers and are plain for everybody else, whichever way they go', async () => {
  const { bus, asked, stored } = keeping();
  const ours = withPrefixes(bus, { topics: 'eu.', groups: 'eu-' });
  await ours.publish([record('a')]);
  expect(await ours.deliver([record('b')])).toEqual([{ outcome: 'stored' }]);
  expect(stored.map(({ topic }) => topic)).toEqual(['eu.a', 'eu.b']);
  const got: string[] = [];
  const handle = async (records: readonly ReceivedRecord[]): Promise<void> => void got.push(...records.map(({ topic }) => topic));
  const rest: Pick<ConsumeOptions, 'fromBeginning' | 'onError' | 'onFatal'> = { fromBeginning: true, onError() {}, onFatal() {} };
  await ours.consume({ group: 'trail', topics: ['a'], handle, ...rest });
  await ours.readToEnd({ topics: ['b'], handle });
  await ours.readToEnd({ topics: ['b'], group: 'desk', handle });
  await ours.lag('trail', ['a', 'b']);
  expect(got).toEqual(['a', 'b', 'b']);
  expect(asked).toEqual([
    { group: 'eu-trail', topics: ['eu.a'] },
    { topics: ['eu.b'] },
    { group: 'eu-desk', topics: ['eu.b'] },
    { group: 'eu-trail', topics: ['eu.a', 'eu.b'] },
  ]);
  expect(await ours.ensureTopics(['a'], { partitions: 3, retentionMs: 1 })).toEqual([{ topic: 'a', partitions: 3, warnings: [] }]);
});

test('two installations on one Kafka hand each other nothing', async () => {
  const { bus } = keeping();
  const [one, two] = [withPrefixes(bus, { topics: '', groups: '' }), withPrefixes(bus, { topics: 'eu.', groups: '' })];
  await one.publish([record('a')]);
  await two.publish([record('a'), record('a')]);
  const count = async (of: EventBus): Promise<number> => {
    let seen = 0;
    await of.readToEnd({ topics: ['a'], handle: async (records) => void (seen += records.length) });
    return seen;
  };
  expect([await count(one), await count(two)]).toEqual([1, 2]);
});
