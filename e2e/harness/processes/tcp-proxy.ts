import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

type Which = 'all' | 'subscribers' | 'commands';

/** A wire that can be made slow, cut, or silent. Knows one thing of Redis: which connections are for pub/sub. */
export interface TcpProxy {
  port: number;
  /** Where new connections go. */
  target: number;
  /** Milliseconds added in each direction to every byte from now on. */
  latencyMs: number;
  /** New connections are refused while true. */
  refusing: boolean;
  /**
   * Bytes from the server do not arrive, the connection stays: the fault nobody is told of. When it is over they arrive late, in order,
   * as they do when TCP sends again: a wire that lost bytes from the middle would be none.
   */
  blackHole: Which | null;
  /** Breaks the connections of today; how many. */
  cut(which?: Which): number;
  close(): Promise<void>;
}

/** One direction of a connection: first in, first out, whatever holds it up. */
interface Lane {
  from: Socket;
  to: Socket;
  waiting: { bytes: Buffer; dueAt: number }[];
}

interface Wire {
  client: Socket;
  server: Socket;
  lanes: Lane[];
  subscriber: boolean;
}

export const startTcpProxy = async (targetPort: number, listenPort = 0): Promise<TcpProxy> => {
  const wires = new Set<Wire>();
  let blackHole: Which | null = null;
  const matches = (wire: Wire, which: Which | null): boolean =>
    which === 'all' || (which === 'subscribers' && wire.subscriber) || (which === 'commands' && !wire.subscriber);
  const send = (wire: Wire, lane: Lane): void => {
    const { from, to, waiting } = lane;
    if (from === wire.server && matches(wire, blackHole)) return;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const early = next.dueAt - performance.now();
      // Timers may fire a little before their time.
      if (early > 0) return void setTimeout(() => send(wire, lane), early);
      waiting.shift();
      if (to.writable) to.write(next.bytes);
    }
  };
  const forward = (wire: Wire, from: Socket, to: Socket): Lane => {
    const lane: Lane = { from, to, waiting: [] };
    from.on('data', (bytes: Buffer) => {
      if (from === wire.client && bytes.includes('subscribe')) wire.subscriber = true;
      const dueAt = Math.max(performance.now() + proxy.latencyMs, lane.waiting.at(-1)?.dueAt ?? 0);
      lane.waiting.push({ bytes, dueAt });
      // Behind others: the timer of the first of them comes to it.
      if (lane.waiting.length === 1) send(wire, lane);
    });
    return lane;
  };
  const end = (wire: Wire): void => {
    wires.delete(wire);
    wire.client.destroy();
    wire.server.destroy();
  };
  const listener = createServer((client) => {
    if (proxy.refusing) return void client.destroy();
    const wire: Wire = { client, server: connect(proxy.target, '127.0.0.1'), lanes: [], subscriber: false };
    wires.add(wire);
    wire.lanes = [forward(wire, client, wire.server), forward(wire, wire.server, client)];
    for (const socket of [client, wire.server]) {
      socket.setNoDelay(true);
      socket.on('error', () => end(wire)).on('close', () => end(wire));
    }
  });
  listener.listen(listenPort, '127.0.0.1');
  await once(listener, 'listening');
  const proxy: TcpProxy = {
    port: (listener.address() as AddressInfo).port,
    target: targetPort,
    latencyMs: 0,
    refusing: false,
    get blackHole() {
      return blackHole;
    },
    set blackHole(which) {
      blackHole = which;
      for (const wire of wires) for (const lane of wire.lanes) send(wire, lane);
    },
    cut: (which = 'all') => {
      const cut = [...wires].filter((wire) => matches(wire, which));
      cut.forEach(end);
      return cut.length;
    },
    close: async () => {
      [...wires].forEach(end);
      listener.close();
      await once(listener, 'close');
    },
  };
  return proxy;
};
