import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Random } from '../random.ts';

/** How long a reader of the stuttering way reads, and then does not, in ms. */
const READS_MS = 120;
const STOPS_MS = 80;

export interface StaleBalancer {
  /** Where the next client is sent. */
  next(): string;
  /** How often each way was taken: nobody listens, connections are reset, the reader stops and goes on. */
  readonly taken: Record<'refused' | 'reset' | 'slow', number>;
  close(): Promise<void>;
}

const listen = async (onSocket: (socket: Socket) => void): Promise<{ server: Server; url: string }> => {
  const server = createServer(onSocket).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

/** One direction that is taken from its sender in gulps. */
const stutter = (from: Socket, to: Socket): void => {
  const take = (): void => {
    from.resume();
    timer = setTimeout(stop, READS_MS);
  };
  const stop = (): void => {
    from.pause();
    timer = setTimeout(take, STOPS_MS);
  };
  let timer = setTimeout(stop, READS_MS);
  from.on('data', (bytes) => void to.write(bytes));
  from.once('close', () => clearTimeout(timer));
};

/**
 * A balancer that has not noticed: half of the clients are sent to a node that is dead (nobody listens, or something takes the connection and
 * resets it), half to a gateway, on a way on which the reader stops again and again.
 */
export const startStaleBalancer = async (gateway: () => string, random: Random): Promise<StaleBalancer> => {
  const open = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    return socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket));
  };
  // A port that was somebody's a moment ago.
  const gone = await listen((socket) => socket.destroy());
  gone.server.close();
  await once(gone.server, 'close');
  const resets = await listen((socket) => void keep(socket).once('data', () => socket.resetAndDestroy()));
  const slow = await listen((client) => {
    const server = keep(connect(Number(new URL(gateway()).port), '127.0.0.1'));
    keep(client).on('data', (bytes: Buffer) => void server.write(bytes));
    stutter(server, client);
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  });
  const taken = { refused: 0, reset: 0, slow: 0 };
  const ways = { refused: gone.url, reset: resets.url, slow: slow.url };
  let deck: (keyof typeof ways)[] = [];
  return {
    taken,
    next: () => {
      // Shuffled fours leave no way out. Fixed turns would: the last page left asks twice a round, so its socket always met the live way and its
      // history always a dead one.
      if (deck.length === 0) deck = ['slow', 'slow', 'refused', 'reset'];
      const [way] = deck.splice(random.between(0, deck.length - 1), 1) as [keyof typeof ways];
      taken[way]++;
      return ways[way];
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await Promise.all([resets, slow].map(({ server }) => once(server.close(), 'close')));
    },
  };
};
