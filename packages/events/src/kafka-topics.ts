import type { Admin } from 'kafkajs';
import type { TopicReport } from './event-bus.ts';

/** kafkajs's `ConfigResourceTypes.TOPIC`, which Node cannot import by name. */
const TOPIC_RESOURCE = 2;
/** Set on the topic itself, in Kafka's words `DYNAMIC_TOPIC_CONFIG`; other values are the cluster's. */
const OWN = 1;

/**
 * The largest record we send. An answer has at most 8 MiB, of which escaping makes up to twice as much; what is larger all the same goes
 * past Kafka. Consumers need no setting for it: Kafka hands out a record that is larger than a fetch, alone.
 */
export const RECORD_BYTES = 16 * 1024 * 1024;
/** With what Kafka itself adds to a batch. */
const MESSAGE_BYTES = RECORD_BYTES + 64 * 1024;

export interface TopicSettings {
  partitions: number;
  retentionMs: number;
}

interface Entry {
  configName: string;
  configValue: string;
  configSource: number;
}

/**
 * `AlterConfigs` sets everything anew, so what is set on the topic goes with it. Sensitive values come without their text and cannot be
 * sent again, but no setting of a topic is one. Pure.
 */
const raised = (entries: readonly Entry[]): { name: string; value: string }[] => [
  ...entries
    .filter(({ configName, configSource }) => configSource === OWN && configName !== 'max.message.bytes')
    .map(({ configName, configValue }) => ({ name: configName, value: configValue })),
  { name: 'max.message.bytes', value: String(MESSAGE_BYTES) },
];

/**
 * Makes missing topics. In one that is there only the size of a record is raised, since without it an event could not be sent; how it
 * differs otherwise is told: changing that is a decision.
 */
export const ensureTopics = async (admin: Admin, names: readonly string[], settings: TopicSettings): Promise<TopicReport[]> => {
  const existing = new Set(await admin.listTopics());
  const missing = names.filter((name) => !existing.has(name));
  if (missing.length > 0) {
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic,
        numPartitions: settings.partitions,
        // -1: the cluster's own number of replicas.
        replicationFactor: -1,
        configEntries: [
          { name: 'retention.ms', value: String(settings.retentionMs) },
          { name: 'max.message.bytes', value: String(MESSAGE_BYTES) },
        ],
      })),
    });
  }
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: TOPIC_RESOURCE, name })),
  });
  return Promise.all(
    topics.map(async ({ name, partitions }): Promise<TopicReport> => {
      const entries = (resources.find((r) => r.resourceName === name)?.configEntries ?? []) as unknown as Entry[];
      const valueOf = (word: string): string | undefined => entries.find((e) => e.configName === word)?.configValue;
      const warnings: string[] = [];
      if (partitions.length !== settings.partitions) warnings.push(`has ${partitions.length} partitions, not ${settings.partitions}`);
      const retention = valueOf('retention.ms');
      if (retention !== undefined && retention !== String(settings.retentionMs))
        warnings.push(`keeps ${retention} ms, not ${settings.retentionMs}`);
      const largest = Number(valueOf('max.message.bytes') ?? MESSAGE_BYTES);
      if (largest < MESSAGE_BYTES) {
        const resource = { type: TOPIC_RESOURCE, name, configEntries: raised(entries) };
        await admin.alterConfigs({ validateOnly: false, resources: [resource] }).catch((error: unknown) => {
          warnings.push(`takes records of ${largest} bytes, not ${MESSAGE_BYTES}, and that cannot be changed: ${String(error)}`);
        });
      }
      return { topic: name, partitions: partitions.length, warnings };
    }),
  );
};
