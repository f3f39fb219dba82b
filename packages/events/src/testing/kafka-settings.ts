export interface NodePlace {
  /** From 1 on. */
  id: number;
  port: number;
  controllerPort: number;
  folder: string;
  /** Of the secure listener, if there is one. */
  securePort: number;
}

/** A second way in, for clients: TLS, and a name with a password by PLAIN or SCRAM. */
export interface SecureListener {
  username: string;
  password: string;
  keyStore: string;
}

export const CLUSTER_ID = 'UnVubmVsVGVzdENsdXN0ZQ';

/** Is let in by PLAIN, with the same password, and may do nothing. */
export const STRANGER = 'stranger';

const LOGIN = 'org.apache.kafka.common.security';
const secureSettings = ({ username, password, keyStore }: SecureListener): Record<string, string> => ({
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.location': keyStore,
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  'listener.name.sasl_ssl.plain.sasl.jaas.config': `${LOGIN}.plain.PlainLoginModule required user_${username}="${password}" user_${STRANGER}="${password}";`,
  'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required;`,
  'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required;`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  // Whoever comes by the other listener, the brokers themselves among them, has no name.
  'super.users': `User:ANONYMOUS;User:${username}`,
});

/** Words for `StorageTool format`: SCRAM's passwords lie in the cluster's own log from its first record on. Pure. */
export const scramUsers = ({ username, password }: SecureListener): string[] =>
  ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`]);

/** server.properties of a node that is broker and controller, sized for a small machine. Pure. */
export const serverProperties = (node: NodePlace, all: readonly NodePlace[], secure?: SecureListener): string => {
  const replicas = Math.min(3, all.length);
  const voters = all.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(',');
  const clients = [`PLAINTEXT://127.0.0.1:${node.port}`, ...(secure ? [`SASL_SSL://127.0.0.1:${node.securePort}`] : [])].join(',');
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    listeners: `${clients},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': clients,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': `${node.folder}/data`,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': replicas > 1 ? 2 : 1,
    'offsets.topic.num.partitions': 3,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': 3,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': replicas > 1 ? 2 : 1,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    // A killed node is let in again only when its old session has ended; the default is 9 s.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'log.index.size.max.bytes': 1_048_576,
    'log.segment.bytes': 67_108_864,
    ...(secure && secureSettings(secure)),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
};

export const LOG_SETTINGS = `status=error
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=OUT
`;
