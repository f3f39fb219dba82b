import type { InnerToken } from '@runnel/kit';
import { HttpAiPod, type AiPods } from './ai-pods.ts';
import { createJsonClient } from './json-client.ts';

/** How often a run is offered, each time over a connection of its own: the balancer behind the address chooses who is asked. */
const ASKS = 4;

/**
 * `DISPATCH=service`: all pods behind one address, for a mesh that lets nobody around its Services. What refuses a run cannot be told from
 * the pod that would take it, so the address is asked a few times; then the run waits in the queue, where any pod finds it. Each turn
 * has a breaker and a watched connection (`watch-pods.ts`), so a few of the pods are watched, whichever the balancer chose: the death
 * of another one is noticed at the end of its leases.
 */
export const serviceAddress = (urls: readonly string[], token: InnerToken): AiPods => {
  const client = createJsonClient({ keepAlive: false });
  // A fragment is sent to nobody; it tells the turns apart.
  const turns = urls.flatMap((url) => Array.from({ length: ASKS }, (_, turn) => new HttpAiPod(`${url}#${turn}`, client, token)));
  return { list: () => turns, close: () => client.close() };
};
