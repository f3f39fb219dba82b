import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_000;
const COUNT = 22_000;
const given = new Set<number>();
let [first, count] = [FIRST, COUNT];

/** From now on ports of this part of the range: of processes side by side, one could take the port of a pod that another has killed and starts again. */
export const portsOf = ({ part, of }: { part: number; of: number }): void => {
  count = Math.floor(COUNT / of);
  first = FIRST + (part - 1) * count;
};

/**
 * A free port below the range the kernel hands to outgoing connections (32768…): a pod that is killed and started
 * again on its port would now and then find it taken by somebody's client socket.
 */
export const freePort = async (): Promise<number> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = first + Math.floor(Math.random() * count);
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
