import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { KAFKA_SASL_MECHANISMS, type KafkaAccess } from '@runnel/events';
import { setting, type ConfigOf, type Rule } from '@runnel/kit';

/** How the brokers are reached. */
export const kafkaSettings = {
  kafkaBrokers: setting.list('KAFKA_BROKERS', {
    default: [],
    description: 'host:port of Kafka brokers, comma-separated; without it this service reads the outbox itself',
  }),
  kafkaTls: setting.boolean('KAFKA_TLS', { default: false, description: 'Whether the brokers are reached over TLS' }),
  kafkaCa: setting.file('KAFKA_CA_FILE', {
    optional: true,
    readFile: (path) => readFileSync(path, 'utf8'),
    description: "PEM file of the authorities that sign the brokers' certificates, trusted instead of Node's own; read at start",
  }),
  kafkaMechanism: setting.oneOf('KAFKA_SASL_MECHANISM', KAFKA_SASL_MECHANISMS, {
    optional: true,
    description: 'How this service authenticates at the brokers; without it, it does not. `plain` without TLS sends the password readable',
  }),
  kafkaUsername: setting.string('KAFKA_USERNAME', { optional: true, description: 'Its name there, for KAFKA_SASL_MECHANISM' }),
  kafkaPassword: setting.string('KAFKA_PASSWORD', { optional: true, secret: true, description: 'Its password there' }),
};

type KafkaConfig = ConfigOf<typeof kafkaSettings>;

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).subject !== '';
  } catch {
    return false;
  }
};

type KafkaRule = Rule<typeof kafkaSettings>;

const tlsRule: KafkaRule = {
  of: ['kafkaTls', 'kafkaCa'],
  problems: ({ kafkaTls, kafkaCa }) => [
    ...(kafkaCa === undefined || kafkaTls ? [] : ['KAFKA_CA_FILE needs KAFKA_TLS=true']),
    // TLS itself would take any text for "no authority", and then every broker for a stranger.
    ...(kafkaCa === undefined || isCertificate(kafkaCa.text) ? [] : ['KAFKA_CA_FILE holds no certificate in PEM']),
  ],
};

const saslRule: KafkaRule = {
  of: ['kafkaMechanism', 'kafkaUsername', 'kafkaPassword'],
  problems: ({ kafkaMechanism, kafkaUsername, kafkaPassword }) => {
    const credentials = Object.entries({ KAFKA_USERNAME: kafkaUsername, KAFKA_PASSWORD: kafkaPassword });
    return kafkaMechanism === undefined
      ? credentials.filter(([, value]) => value !== undefined).map(([name]) => `${name} needs KAFKA_SASL_MECHANISM`)
      : credentials.filter(([, value]) => value === undefined).map(([name]) => `KAFKA_SASL_MECHANISM needs ${name}`);
  },
};

export const kafkaRules = [tlsRule, saslRule];

/** What the Kafka client is given, of settings that keep the rule. */
export const kafkaAccess = (config: KafkaConfig): KafkaAccess => {
  const { kafkaBrokers, kafkaTls, kafkaCa, kafkaMechanism, kafkaUsername = '', kafkaPassword = '' } = config;
  return {
    brokers: kafkaBrokers,
    ...(kafkaTls && { tls: kafkaCa === undefined ? {} : { ca: kafkaCa.text } }),
    ...(kafkaMechanism && { sasl: { mechanism: kafkaMechanism, username: kafkaUsername, password: kafkaPassword } }),
  };
};
