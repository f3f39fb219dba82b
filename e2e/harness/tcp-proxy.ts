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
  /** Bytes from the server vanish, the connection stays: the fault nobody is told of. */
  blackHole: Which | null;
  /** Breaks the connections of today; how many. */
  cut(which?: Which): number;
  close(): Promise<void>;
}

interface Wire {
  client: Socket;
  server: Socket;
  subscriber: boolean;
}

export const startTcpProxy = async (targetPort: number, listenPort = 0): Promise<TcpProxy> => {
  const wires = new Set<Wire>();
  const matches = (wire: Wire, which: Which | null): boolean =>
    which === 'all' || (which === 'subscribers' && wire.subscriber) || (which === 'commands' && !wire.subscriber);
  const forward = (wire: Wire, from: Socket, to: Socket): void => {
    from.on('data', (bytes: Buffer) => {
      if (from === wire.client && bytes.includes('subscribe')) wire.subscriber = true;
      if (from === wire.server && matches(wire, proxy.blackHole)) return;
      if (proxy.latencyMs === 0) to.write(bytes);
      else setTimeout(() => to.writable && to.write(bytes), proxy.latencyMs);
    });
  };
  const end = (wire: Wire): void => {
    wires.delete(wire);
    wire.client.destroy();
    wire.server.destroy();
  };
  const listener = createServer((client) => {
    if (proxy.refusing) return void client.destroy();
    const wire: Wire = { client, server: connect(proxy.target, '127.0.0.1'), subscriber: false };
    wires.add(wire);
    forward(wire, client, wire.server);
    forward(wire, wire.server, client);
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
    blackHole: null,
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
