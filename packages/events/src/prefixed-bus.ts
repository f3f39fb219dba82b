import type { EventBus, ReceivedRecord } from './event-bus.ts';

/** What the names of topics and groups begin with at the brokers, so that two installations may share a Kafka. */
export interface BusPrefixes {
  topics: string;
  groups: string;
}

/** The same bus for those who know the plain names. Pure renaming: what is received has its plain name again. */
export const withPrefixes = (bus: EventBus, { topics, groups }: BusPrefixes): EventBus => {
  if (topics === '' && groups === '') return bus;
  const out = (names: readonly string[]): string[] => names.map((name) => `${topics}${name}`);
  const plain = (name: string): string => name.slice(topics.length);
  const named = <R extends { topic: string }>(record: R): R => ({ ...record, topic: `${topics}${record.topic}` });
  const handled = (handle: (records: readonly ReceivedRecord[]) => Promise<void>) => (records: readonly ReceivedRecord[]) =>
    handle(records.map((record) => ({ ...record, topic: plain(record.topic) })));
  return {
    publish: (records) => bus.publish(records.map(named)),
    deliver: (records) => bus.deliver(records.map(named)),
    consume: (options) =>
      bus.consume({ ...options, group: `${groups}${options.group}`, topics: out(options.topics), handle: handled(options.handle) }),
    readToEnd: (query) =>
      bus.readToEnd({
        ...query,
        topics: out(query.topics),
        ...(query.group !== undefined && { group: `${groups}${query.group}` }),
        handle: handled(query.handle),
      }),
    ensureTopics: async (names, settings) =>
      (await bus.ensureTopics(out(names), settings)).map((report) => ({ ...report, topic: plain(report.topic) })),
    lag: (group, names) => bus.lag(`${groups}${group}`, out(names)),
    close: () => bus.close(),
  };
};
