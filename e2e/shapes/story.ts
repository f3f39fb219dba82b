import { Redis } from 'ioredis';
import { fromOutbox, type OutboxFields } from '@runnel/protocol/audit';
import { call, history } from '../harness/commands.ts';
import { startCluster } from '../harness/processes/cluster.ts';
import { waitFor } from '../harness/wait.ts';
import { shapeOf, type Shape } from './shape.ts';

const USER = 'ann';
const CONVERSATION = 'shapes';

export interface Shapes {
  /** By type, of each event's `data`. */
  events: Record<string, Shape>;
  /** By what was asked. */
  answers: Record<string, Shape>;
}

const outboxOf = async (url: string) => {
  const redis = new Redis(url);
  try {
    const entries: OutboxFields[] = [];
    for (const key of await redis.keys('events:{*'))
      for (const [, list] of await redis.xrange(key, '-', '+'))
        entries.push(Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : []))) as unknown as OutboxFields);
    return entries.map(fromOutbox);
  } finally {
    redis.disconnect();
  }
};

/** One conversation with an answer that is whole, one that is cancelled and one that fails, by real processes; and the shapes of what they said. */
export const tellShapes = async (): Promise<Shapes> => {
  const cluster = await startCluster({ gateways: 1, ai: 1 });
  try {
    const origin = cluster.gateways[0]!.url;
    const answers: Record<string, Shape> = {};
    const ask = async (name: string, method: string, path: string, body?: unknown): Promise<void> => {
      const answer = await call(method, `${origin}${path}${path.includes('?') ? '&' : '?'}user_id=${USER}`, body);
      if (answer.status >= 300 || answer.status === 0) throw new Error(`${name} was answered ${answer.status}`);
      answers[name] = shapeOf([answer]);
    };
    const ended = (runId: string): Promise<unknown> =>
      waitFor(async () => (await history(origin, CONVERSATION, USER)).some(({ messageId }) => messageId === runId), {
        deadlineMs: 60_000,
        what: `the end of ${runId}`,
      });
    const prompt = (runId: string, text: string): Promise<void> =>
      ask('POST /api/chat', 'POST', '/api/chat', { conversationId: CONVERSATION, messageId: `q-${runId}`, runId, text, model: 'count' });
    await prompt('whole', 'count 8 at 200');
    await ended('whole');
    await prompt('cancelled', 'count 4000 at 20');
    await ask('POST /api/cancel', 'POST', '/api/cancel', { conversationId: CONVERSATION, runId: 'cancelled' });
    await ended('cancelled');
    await prompt('failed', 'count 20 at 200 fail 5');
    await ended('failed');
    await ask('GET /api/history', 'GET', `/api/history/${CONVERSATION}?limit=100`);
    await ask('GET /api/conversations', 'GET', '/api/conversations');
    // A gateway that was up before the AI pod learns of models a moment after its first runs.
    await waitFor(async () => ((await call('GET', `${origin}/api/models?user_id=${USER}`)) as { models?: unknown[] }).models?.length, {
      deadlineMs: 20_000,
      what: 'a model',
    });
    await ask('GET /api/models', 'GET', '/api/models');
    await ask('DELETE /api/history', 'DELETE', `/api/history/${CONVERSATION}`);
    // Whether a pod ends a cancelled run, with what it used, or the gateway, without, differs with the load of the machine.
    const told = (await outboxOf(cluster.redis.url)).filter(({ type }) => type !== 'STREAM_CANCELLED');
    const byType = Map.groupBy(told, ({ type }) => type);
    const events = [...byType].map(([type, all]) => [type, shapeOf(all.map(({ data }) => data))] as const);
    return { events: Object.fromEntries(events.toSorted(([a], [b]) => (a < b ? -1 : 1))), answers };
  } finally {
    await cluster.close();
    await cluster.removeLogs();
  }
};
