import { createKafkaBus, type EventBus, type EventRecord } from '@runnel/events';
import { CHAT_TOPIC, STREAM_TOPIC } from '@runnel/protocol/audit';
import type { Scenario } from '../../harness/scenario.ts';
import type { Stage } from '../../harness/stage.ts';
import { underWay } from '../ai-pods.ts';
import { heals } from './heals.ts';

const TOPICS = [CHAT_TOPIC, STREAM_TOPIC];
const BACKING = { audit: true, kafka: true, postgres: true };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const withBus = async (stage: Stage, work: (bus: EventBus) => Promise<void>): Promise<void> => {
  const bus = createKafkaBus({ brokers: stage.cluster.kafka!.brokers, clientId: 'e2e', log: { warn() {}, error() {} } });
  try {
    await work(bus);
  } finally {
    await bus.close();
  }
};

/** What is in the topics now. */
const everything = async (bus: EventBus): Promise<EventRecord[]> => {
  const records: EventRecord[] = [];
  const handle: Parameters<EventBus['readToEnd']>[0]['handle'] = async (received) => {
    for (const { topic, key, value, headers } of received) records.push({ topic, key: key ?? '', value: value ?? bytes(''), headers });
  };
  await bus.readToEnd({ topics: TOPICS, handle });
  return records;
};

const UNREADABLE = [bytes(''), bytes('{"no":"event"'), new Uint8Array([0xff, 0xfe, 0x00]), bytes('[]'), bytes('{"specversion":"1.0"}')];

export const auditTopicScenarios: Scenario[] = [
  {
    name: 'kafka-doubled-reordered-unreadable',
    promise: 'P-1 P-9',
    cluster: BACKING,
    deadlineMs: 120_000,
    run: async (stage) => {
      await withBus(stage, async (bus) => {
        const runs = await underWay(stage, 4, { words: 200, rate: 100 });
        await Promise.all(runs.map((run) => stage.ended(run)));
        const known = await everything(bus);
        // While more are being written: all of them again, the newest first, with what no reader understands between.
        const again = underWay(stage, 3, { words: 200, rate: 100 });
        for (const record of known.toReversed()) {
          const value = stage.random.pick(UNREADABLE);
          await bus.publish([record, ...(stage.random.chance(1 / 3) ? [{ ...record, value, headers: {} }] : [])]);
        }
        await again;
        stage.note(`${known.length} records doubled, the newest first`);
      });
      await heals(stage);
    },
  },
  {
    name: 'kafka-leader-killed',
    promise: 'P-1 P-9 P-10',
    cluster: { ...BACKING, kafka: 3 },
    deadlineMs: 180_000,
    run: async (stage) => {
      // Each of three leads some partitions: whichever goes takes leaders along.
      const node = stage.random.between(1, 3);
      await underWay(stage, 4, { words: 300, rate: 100 });
      await stage.cluster.kafka!.kill(node);
      await underWay(stage, 4, { words: 300, rate: 100 });
      await stage.cluster.kafka!.restart(node);
      await underWay(stage, 2, { words: 100, rate: 100 });
      await heals(stage);
    },
  },
];
