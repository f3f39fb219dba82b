import { readFileSync } from 'node:fs';
import { commonSettings, defineConfig, pathOfFile, portSettings, setting, type LoadedConfig } from '@runnel/kit';
import { kafkaRules, kafkaSettings } from './ingest/kafka-settings.ts';

/** How long what people see is kept; the same for the service and for `npm start`. */
export const keepingSettings = {
  messageRetentionMs: setting.duration('MESSAGE_RETENTION', {
    default: 0,
    minimum: 0,
    description: 'How long what people and models said is kept, in whole days (UTC), two at least; 0 keeps it until somebody deletes it',
  }),
  runRetentionMs: setting.duration('RUN_RETENTION', {
    default: 0,
    minimum: 0,
    description: 'How long figures of answers and the timelines of replays are kept, two days at least; 0 keeps them for ever',
  }),
};

/** What Redis still has may come back from there for a day, so nothing younger goes. */
const LEAST_MS = 2 * 86_400_000;
export const keepingRules = [
  {
    of: ['messageRetentionMs', 'runRetentionMs'] as const,
    problems: ({ messageRetentionMs, runRetentionMs }: { messageRetentionMs: number; runRetentionMs: number }) =>
      Object.entries({ MESSAGE_RETENTION: messageRetentionMs, RUN_RETENTION: runRetentionMs })
        .filter(([, term]) => term > 0 && term < LEAST_MS)
        .map(([name]) => `${name} must be 0 or two days at least`),
  },
];

export const configSpec = defineConfig(
  {
    ...commonSettings,
    ...portSettings(8082, 9082),
    ...kafkaSettings,
    kafkaPartitions: setting.integer('KAFKA_PARTITIONS', {
      default: 3,
      minimum: 1,
      maximum: 1_000,
      description: 'Partitions of a topic that is made at start',
    }),
    kafkaRetentionMs: setting.duration('KAFKA_RETENTION', {
      default: 7 * 86_400_000,
      minimum: 60_000,
      description: 'How long Kafka keeps events of a topic that is made at start',
    }),
    databaseUrl: setting.string('DATABASE_URL', {
      default: 'sqlite:.data/audit.sqlite',
      pattern: '^(postgres(ql)?://|sqlite:)',
      secret: true,
      description: 'Where events are stored: `postgres://…` or `sqlite:path`',
    }),
    databaseCaFile: pathOfFile(
      'DATABASE_CA_FILE',
      "PEM file of the authorities that sign PostgreSQL's certificate: its TLS is proved by them",
    ),
    databaseCertFile: pathOfFile('DATABASE_CERT_FILE', 'PEM file of the certificate that this service shows to PostgreSQL'),
    databaseKeyFile: pathOfFile('DATABASE_KEY_FILE', 'PEM file of its key'),
    retentionMs: setting.duration('AUDIT_RETENTION', {
      default: 0,
      minimum: 0,
      description: 'How long the trail is kept, in whole months; 0 keeps it for ever',
    }),
    ...keepingSettings,
    checkpointKey: setting.string('CHECKPOINT_KEY', {
      optional: true,
      secret: true,
      description: 'Ed25519 key in PEM that signs the hourly checkpoints of the trail; without it and CHECKPOINT_KEY_FILE there are none',
    }),
    checkpointKeyFile: setting.file('CHECKPOINT_KEY_FILE', {
      optional: true,
      readFile: (path) => readFileSync(path, 'utf8'),
      description: 'File with that key, read at start',
    }),
    checkpointFile: setting.string('CHECKPOINT_FILE', {
      optional: true,
      description: 'File the checkpoints are added to, one a line; with Kafka they are in the topic `runnel-checkpoints`, too',
    }),
    drainMs: setting.duration('DRAIN_SECONDS', {
      default: 15_000,
      minimum: 0,
      description: 'What finishing the batch in hand may take at the end',
    }),
  },
  [...kafkaRules, ...keepingRules],
);

export type AuditConfig = LoadedConfig<typeof configSpec>;
