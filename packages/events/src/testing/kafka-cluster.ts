import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '@runnel/kit/testing';
import type { KafkaAccess } from '../kafka-client.ts';
import { makeCertificates } from './kafka-certificates.ts';
import { kafkaClassPath } from './kafka-jars.ts';
import { CLUSTER_ID, LOG_SETTINGS, scramUsers, serverProperties, type NodePlace } from './kafka-settings.ts';

export interface TestKafka {
  brokers: string[];
  /** The way in over TLS, where it was asked for; any mechanism takes the name and the password. */
  secure?: Required<KafkaAccess>;
  /** SIGKILL of a node (from 1 on), or of all. */
  kill(node?: number): Promise<void>;
  /** Starts what was killed, with its data; resolves when it answers. */
  restart(node?: number): Promise<void>;
  /** Ends everything and removes its folder. */
  stop(): Promise<void>;
}

export interface StartKafka {
  nodes?: number;
  /** Of the first node; others take free ones. */
  port?: number;
  /** A second listener, over TLS, that asks for this name and password. */
  secure?: { username: string; password: string };
}

/** Cold caches on a busy machine. */
const START_MS = 120_000;
const JVM = [
  '-Xms64m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:MaxDirectMemorySize=128m',
  '-XX:+ExitOnOutOfMemoryError',
  '-XX:-UsePerfData',
];

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** ApiVersions v0, the request every broker that serves answers with error code 0. */
const API_VERSIONS = Buffer.from([0, 0, 0, 14, 0, 18, 0, 0, 0, 0, 0, 1, 0, 4, 0x70, 0x69, 0x6e, 0x67]);

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(API_VERSIONS));
    const end = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.setTimeout(2_000, () => end(false));
    socket.once('data', (data) => end(data.length >= 10 && data.readInt16BE(8) === 0));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });

/** A real Apache Kafka (KRaft) on this machine: one node, or several that replicate. */
export const startKafka = async ({ nodes = 1, port, secure }: StartKafka = {}): Promise<TestKafka> => {
  const classPath = await kafkaClassPath();
  const folder = await mkdtemp(join(tmpdir(), 'runnel-kafka-'));
  const logSettings = join(folder, 'log4j2.properties');
  await writeFile(logSettings, LOG_SETTINGS);
  const places: NodePlace[] = [];
  for (let id = 1; id <= nodes; id++) {
    const [first, securePort, controllerPort] = [await freePort(), await freePort(), await freePort()];
    const place = { id, port: id === 1 && port ? port : first, securePort, controllerPort, folder: join(folder, `${id}`) };
    await mkdir(place.folder);
    places.push(place);
  }
  const { ca, keyStore } = secure ? await makeCertificates(folder) : { ca: '', keyStore: '' };
  const listener = secure && { ...secure, keyStore };
  const children = new Map<number, ChildProcess>();
  const settingsOf = ({ folder: own }: NodePlace): string => join(own, 'server.properties');
  const words = [`-Dlog4j2.configurationFile=${logSettings}`, '-Dlog4j2.disable.jmx=true', '-cp', classPath];

  const launch = async (place: NodePlace): Promise<void> => {
    const settings = settingsOf(place);
    await writeFile(settings, serverProperties(place, places, listener));
    if (!existsSync(join(place.folder, 'data/meta.properties'))) {
      const format = [
        '-Xmx128m',
        '-XX:TieredStopAtLevel=1',
        ...words,
        'kafka.tools.StorageTool',
        'format',
        '-t',
        CLUSTER_ID,
        '-c',
        settings,
        ...(listener ? scramUsers(listener) : []),
      ];
      await promisify(execFile)('java', format, { timeout: START_MS });
    }
    const child = spawn('java', [...JVM, ...words, 'kafka.Kafka', settings], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = createWriteStream(join(place.folder, 'log'), { flags: 'a' });
    child.stdout.pipe(output, { end: false });
    child.stderr.pipe(output, { end: false });
    running.add(child);
    children.set(place.id, child);
    child.on('error', () => {});
    child.on('exit', () => running.delete(child));
  };
  const serves = async (place: NodePlace): Promise<void> => {
    const giveUpAt = performance.now() + START_MS;
    while (!(await answers(place.port))) {
      const dead = children.get(place.id)?.exitCode != null;
      if (dead || performance.now() > giveUpAt) {
        throw new Error(`Kafka did not start: ${(await readFile(join(place.folder, 'log'), 'utf8')).slice(-2_000)}`);
      }
      await sleep(50);
    }
  };
  const chosen = (node: number | undefined): NodePlace[] => places.filter(({ id }) => node === undefined || id === node);
  const end = async (node: number | undefined): Promise<void> => {
    for (const { id } of chosen(node)) {
      const child = children.get(id);
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
  };
  const start = async (node: number | undefined): Promise<void> => {
    // Nodes of one quorum need each other to answer, so all are launched first.
    for (const place of chosen(node)) await launch(place);
    for (const place of chosen(node)) await serves(place);
  };
  const stop = async (): Promise<void> => {
    await end(undefined);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start(undefined);
  } catch (error) {
    await stop();
    throw error;
  }
  const brokersAt = (portOf: (place: NodePlace) => number): string[] => places.map((place) => `127.0.0.1:${portOf(place)}`);
  return {
    brokers: brokersAt((place) => place.port),
    ...(secure && {
      secure: { brokers: brokersAt((place) => place.securePort), tls: { ca }, sasl: { mechanism: 'scram-sha-512', ...secure } },
    }),
    kill: end,
    restart: start,
    stop,
  };
};
