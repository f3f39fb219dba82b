import { once } from 'node:events';
import { createServer } from 'node:net';

const FIRST = 10_000;
const COUNT = 22_000;
/** Of test files side by side each has a part of its own: at most so many workers run at a time. */
const WORKERS = 4;
const given = new Set<number>();
let [first, count] = [FIRST, COUNT];

/** From now on ports of this part of the range: of processes side by side, one could take the port of a pod that another has killed and starts again. */
export const portsOf = ({ part, of }: { part: number; of: number }): void => {
  count = Math.floor(COUNT / of);
  first = FIRST + (part - 1) * count;
};

const worker = Number(process.env['VITEST_POOL_ID'] ?? 0);
if (worker > 0) portsOf({ part: ((worker - 1) % WORKERS) + 1, of: WORKERS });

/**
 * A free port below the range from which the kernel takes those of outgoing connections and of `listen(0)` (32768…), given once: a pod that
 * starts seconds later, or again on its port, would now and then find it taken.
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
