import { once } from 'node:events';
import { createServer } from 'node:net';

const given = new Set<number>();

/**
 * A free port below the range the kernel hands to outgoing connections (32768…): a pod that is killed and started
 * again on its port would now and then find it taken by somebody's client socket.
 */
export const freePort = async (): Promise<number> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    if (given.has(port)) continue;
    const server = createServer().listen(port, '127.0.0.1');
    const bound = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)]).catch(
      () => false,
    );
    if (!bound) continue;
    server.close();
    await once(server, 'close');
    given.add(port);
    return port;
  }
  throw new Error('no free port in 100 attempts');
};
