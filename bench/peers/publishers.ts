import { Agent, request } from 'node:http';
import { createRedisRunLog } from '@runnel/coordination';
import { keyName, loadScript, shardOf, type KeyName } from '@runnel/coordination/testing';
import { Redis } from 'ioredis';
import { socketIoServer } from './peer-packages.ts';
import { RespWriter } from './resp-writer.ts';
import { beginOf, conversationOf, eventOf, runOf, textOf, USER } from './words.ts';

/** Gives chunks to one of the systems, as its own way in wants them. */
export interface Publisher {
  publish(index: number, n: number): void;
  /** After each tick: what was published may go out together. */
  flush(): void;
  /** Nothing more is taken for now. */
  readonly full: boolean;
  readonly failures: number;
}

export interface PublisherTarget {
  kind: 'append' | 'floor' | 'socket.io' | 'centrifugo';
  redisPort: number;
  /** Of Centrifugo's API. */
  apiPort?: number;
  conversations: number;
}

const LEASE_MS = 3_600_000;
const BEGIN_AT_ONCE = 50;

const partsOf = (index: number) => ({ shard: shardOf(conversationOf(index)), conversationId: conversationOf(index), runId: runOf(index) });
const keyOf = (name: KeyName, index: number): string => keyName(name, partsOf(index));

const load = async (redisPort: number, lua: string): Promise<string> => {
  const redis = new Redis({ port: redisPort, host: '127.0.0.1' });
  const sha = (await redis.script('LOAD', lua)) as string;
  redis.disconnect();
  return sha;
};

/** Begins and claims a run in each conversation, and then appends to it by the real script, without an AI service. */
const appender = async ({ redisPort, conversations }: PublisherTarget): Promise<Publisher> => {
  const runLog = createRedisRunLog({ url: `redis://127.0.0.1:${redisPort}` });
  const begin = async (index: number): Promise<void> => {
    const ref = { conversationId: conversationOf(index), runId: runOf(index) };
    const message = { messageId: `m-${index}`, text: 'count' };
    await runLog.beginRun({ ...ref, userId: USER, model: 'count', message, title: 'peers' });
    const claimed = await runLog.claimRun({ ...ref, owner: USER, leaseMs: LEASE_MS, models: { count: true } });
    if (claimed.outcome !== 'claimed') throw new Error(`a run could not be claimed: ${claimed.outcome}`);
  };
  for (let from = 0; from < conversations; from += BEGIN_AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(BEGIN_AT_ONCE, conversations - from) }, (_, i) => begin(from + i)));
  }
  await runLog.close();
  const script = loadScript('append-chunk');
  const sha = await load(redisPort, script.lua);
  const heads = Array.from({ length: conversations }, (_, index) => {
    const keys = script.keys.map((name) => keyOf(name as KeyName, index));
    return RespWriter.head(sha, keys, [conversationOf(index), runOf(index), 1], 3);
  });
  const writer = await RespWriter.connect(redisPort);
  return publisherOf(writer, (index, n) => writer.add(heads[index]!, beginOf(n), textOf(n), Date.now()));
};

/** The least that keeps a log with offsets and the text so far, and publishes. */
const FLOOR = `local offset = redis.call('HINCRBY', KEYS[1], 'offset', 1)
redis.call('XADD', KEYS[2], offset .. '-0', 'event', ARGV[1])
redis.call('APPEND', KEYS[3], ARGV[2])
redis.call('SPUBLISH', KEYS[4], ARGV[1])
return offset`;

const floor = async ({ redisPort, conversations }: PublisherTarget): Promise<Publisher> => {
  const sha = await load(redisPort, FLOOR);
  const names: KeyName[] = ['meta', 'log', 'text', 'channel'];
  const keysOf = (index: number): string[] => names.map((name) => keyOf(name, index));
  const heads = Array.from({ length: conversations }, (_, index) => RespWriter.head(sha, keysOf(index), [], 2));
  const writer = await RespWriter.connect(redisPort);
  return publisherOf(writer, (index, n) => writer.add(heads[index]!, eventOf(index, n, Date.now()), textOf(n)));
};

const publisherOf = (writer: RespWriter, publish: Publisher['publish']): Publisher => ({
  publish,
  flush: () => writer.flush(),
  get full() {
    return writer.full;
  },
  get failures() {
    return writer.failures;
  },
});

const socketIo = ({ redisPort }: PublisherTarget): Publisher => {
  const io = socketIoServer(redisPort);
  return {
    publish: (index, n) => io.to(conversationOf(index)).emit('chunk', { n, t: Date.now(), text: textOf(n) }),
    flush: () => undefined,
    full: false,
    failures: 0,
  };
};

interface Publication {
  publish: { channel: string; data: object };
}
const MAX_WAITING = 20_000;
const API_REQUESTS = 8;

/** Batches over the HTTP API. A conversation has one chunk on its way at a time, or order would be lost. */
const centrifugo = ({ apiPort }: PublisherTarget): Publisher => {
  const agent = new Agent({ keepAlive: true, maxSockets: API_REQUESTS });
  const lanes = Array.from({ length: API_REQUESTS }, () => ({ waiting: [] as { index: number; command: Publication }[], busy: false }));
  const state = { failures: 0, waiting: 0 };
  const send = (lane: (typeof lanes)[number]): void => {
    if (lane.busy || lane.waiting.length === 0) return;
    const taken = new Set<number>();
    const now: Publication[] = [];
    lane.waiting = lane.waiting.filter(({ index, command }) => {
      if (taken.has(index)) return true;
      taken.add(index);
      now.push(command);
      return false;
    });
    state.waiting -= now.length;
    lane.busy = true;
    const done = (failed: boolean): void => {
      if (failed) state.failures++;
      lane.busy = false;
      send(lane);
    };
    const headers = { 'content-type': 'application/json' };
    const call = request({ agent, host: '127.0.0.1', port: apiPort, path: '/api/batch', method: 'POST', headers }, (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode !== 200));
    });
    call.on('error', () => done(true));
    call.end(JSON.stringify({ parallel: true, commands: now }));
  };
  return {
    publish(index, n) {
      const data = { n, t: Date.now(), text: textOf(n) };
      lanes[index % API_REQUESTS]!.waiting.push({ index, command: { publish: { channel: `chat:${conversationOf(index)}`, data } } });
      state.waiting++;
    },
    flush: () => lanes.forEach(send),
    get full() {
      return state.waiting > MAX_WAITING;
    },
    get failures() {
      return state.failures;
    },
  };
};

export const openPublisher = async (target: PublisherTarget): Promise<Publisher> => {
  switch (target.kind) {
    case 'append':
      return appender(target);
    case 'floor':
      return floor(target);
    case 'socket.io':
      return socketIo(target);
    case 'centrifugo':
      return centrifugo(target);
  }
};
