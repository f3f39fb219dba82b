import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createKafkaBus, KAFKA_SASL_MECHANISMS, withPrefixes, type EventBus, type KafkaAccess, type KafkaOptions } from '@runnel/events';
import { pathOfFile, setting, type ConfigOf, type Rule } from '@runnel/kit';

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
  kafkaCert: pathOfFile('KAFKA_CERT_FILE', 'PEM file of the certificate that this service shows to the brokers; read at start'),
  kafkaKey: pathOfFile('KAFKA_KEY_FILE', 'PEM file of its key; read at start'),
  kafkaTopicPrefix: setting.string('KAFKA_TOPIC_PREFIX', {
    default: '',
    pattern: '^[A-Za-z0-9._-]{0,64}$',
    description: 'What the names of topics begin with, so that two installations may share a Kafka; the same for all pods and commands',
  }),
  kafkaGroupPrefix: setting.string('KAFKA_GROUP_PREFIX', {
    default: '',
    pattern: '^[A-Za-z0-9._-]{0,64}$',
    description: 'The same of consumer groups',
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

const clientRule: KafkaRule = {
  of: ['kafkaTls', 'kafkaCert', 'kafkaKey'],
  problems: ({ kafkaTls, kafkaCert, kafkaKey }) => [
    ...((kafkaCert === undefined) === (kafkaKey === undefined) ? [] : ['KAFKA_CERT_FILE and KAFKA_KEY_FILE go together']),
    ...(kafkaCert === undefined || kafkaTls ? [] : ['KAFKA_CERT_FILE needs KAFKA_TLS=true']),
    ...(kafkaCert === undefined || isCertificate(kafkaCert.text) ? [] : ['KAFKA_CERT_FILE holds no certificate in PEM']),
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

export const kafkaRules = [tlsRule, clientRule, saslRule];

/** What the Kafka client is given, of settings that keep the rule. */
export const kafkaAccess = (config: KafkaConfig): KafkaAccess => {
  const {
    kafkaBrokers,
    kafkaTls,
    kafkaCa: ca,
    kafkaCert: cert,
    kafkaKey: key,
    kafkaMechanism,
    kafkaUsername = '',
    kafkaPassword = '',
  } = config;
  return {
    brokers: kafkaBrokers,
    ...(kafkaTls && { tls: { ...(ca && { ca: ca.text }), ...(cert && { cert: cert.text }), ...(key && { key: key.text }) } }),
    ...(kafkaMechanism && { sasl: { mechanism: kafkaMechanism, username: kafkaUsername, password: kafkaPassword } }),
  };
};

/** The bus at these brokers, under the installation's own names. */
export const openBus = (config: KafkaConfig, clientId: string, log: KafkaOptions['log']): EventBus =>
  withPrefixes(createKafkaBus({ ...kafkaAccess(config), clientId, log }), {
    topics: config.kafkaTopicPrefix,
    groups: config.kafkaGroupPrefix,
  });
