import type { Admin } from 'kafkajs';
import type { TopicReport } from './event-bus.ts';

/** kafkajs's `ConfigResourceTypes.TOPIC`, which Node cannot import by name. */
const TOPIC_RESOURCE = 2;

export interface TopicSettings {
  partitions: number;
  retentionMs: number;
}

/** Makes missing topics. One that is there stays as it is, and how it differs is told: changing it is a decision. */
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
        configEntries: [{ name: 'retention.ms', value: String(settings.retentionMs) }],
      })),
    });
  }
  const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: ['retention.ms'] })),
  });
  return topics.map(({ name, partitions }): TopicReport => {
    const retention = resources
      .find((r) => r.resourceName === name)
      ?.configEntries.find((e) => e.configName === 'retention.ms')?.configValue;
    const warnings: string[] = [];
    if (partitions.length !== settings.partitions) warnings.push(`has ${partitions.length} partitions, not ${settings.partitions}`);
    if (retention !== undefined && retention !== String(settings.retentionMs))
      warnings.push(`keeps ${retention} ms, not ${settings.retentionMs}`);
    return { topic: name, partitions: partitions.length, warnings };
  });
};
