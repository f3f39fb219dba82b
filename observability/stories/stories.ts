import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cluster, ClusterOptions } from '@runnel/e2e';

/** Something that goes wrong under load, and what shows it. The runbooks tell what was seen. */
export interface Story {
  name: string;
  title: string;
  cluster: ClusterOptions;
  model: string;
  prompt: string;
  /** Made before the cluster; its URL is a provider of models. */
  provider?: () => Promise<Provider>;
  /** What goes wrong, at a third of the time. */
  happens(cluster: Cluster, provider: Provider | null): Promise<void>;
}
export interface Provider {
  url: string;
  firstWordMs: number;
  close(): void;
}

const SLOW_MS = 14_000;
/** An answer of five seconds. */
const WORDS = 50;
const WORD_MS = 100;
/** In each direction: a command takes 50 ms. */
const WIRE_MS = 25;
/** Of its memory limit; the people fill the rest. */
const HELD_PART = 0.87;

/** A piece of OpenAI's stream; without the last one's reason to finish, an answer counts as broken off. */
const piece = (delta: { content?: string }, finish_reason: 'stop' | null = null): string =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 0, model: 'story', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;

/** A provider that thinks as long as it is told to before the first word. */
const startProvider = async (): Promise<Provider> => {
  const server = createServer((request, response) => {
    request.resume();
    const say = (word: number): void => {
      if (word === 0) response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece({ content: `word ${word} ` }));
      if (word < WORDS) timer = setTimeout(say, WORD_MS, word + 1);
      else response.end(`${piece({}, 'stop')}data: [DONE]\n\n`);
    };
    let timer = setTimeout(say, provider.firstWordMs, 0);
    response.on('close', () => clearTimeout(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider: Provider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    firstWordMs: 300,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return provider;
};

const counted = { model: 'count', prompt: 'count 150 at 10' };
const pods = { gateways: 2, ai: 2 } satisfies ClusterOptions;

export const STORIES: readonly Story[] = [
  { name: 'quiet', title: 'Nothing happens', cluster: pods, ...counted, happens: () => Promise.resolve() },
  {
    name: 'dead-ai-pod',
    title: 'One of two AI pods is killed',
    cluster: pods,
    ...counted,
    happens: (cluster) => cluster.ai[0]!.kill(),
  },
  {
    name: 'redis-fills',
    title: 'Redis has little room left',
    cluster: pods,
    ...counted,
    happens: async ({ redis }) => {
      const held = /^used_memory:(\d+)/m.exec(String(await redis.cli('INFO', 'memory')))?.[1];
      await redis.cli('CONFIG', 'SET', 'maxmemory', Math.round(Number(held) / HELD_PART));
    },
  },
  {
    name: 'redis-50ms',
    title: 'Redis takes 50 ms',
    cluster: { ...pods, proxied: true },
    ...counted,
    happens: (cluster) => {
      for (const wire of cluster.wires.all) wire.latencyMs = WIRE_MS;
      return Promise.resolve();
    },
  },
  {
    name: 'slow-provider',
    title: 'The provider takes 14 s to its first word',
    cluster: pods,
    model: 'story',
    prompt: 'hello',
    provider: startProvider,
    happens: (_cluster, provider) => {
      provider!.firstWordMs = SLOW_MS;
      return Promise.resolve();
    },
  },
  {
    name: 'kafka-down',
    title: 'Kafka is gone',
    cluster: { ...pods, audit: true, kafka: true },
    ...counted,
    happens: (cluster) => cluster.kafka!.stop(),
  },
];
