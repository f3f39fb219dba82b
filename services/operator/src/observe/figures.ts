import { Agent, request } from 'undici';
import { callInner, type InnerToken } from '@runnel/kit';
import { AiFigures, GatewayFigures, parseBody } from '@runnel/protocol/http';
import { addressOf, componentOf, type Pod } from './pods.ts';

/** What one pod said last, and when (ms of the monotonic clock). */
export type Told = { pod: string; at: number } & (
  | { component: 'ai'; figures: AiFigures }
  | { component: 'gateway'; figures: GatewayFigures }
);

const DEADLINE_MS = 2_000;
/** What is older says nothing of now. */
const FRESH_MS = 30_000;
const MOST_BYTES = 8 * 1024 * 1024;
/** Where each kind of pod answers: AI pods at their inner interface, gateways beside their figures for Prometheus. */
const PORTS: Record<string, number> = { ai: 8081, gateway: 9080 };

export interface FiguresOptions {
  token: InnerToken;
  onOutcome(outcome: 'told' | 'failed'): void;
  /** Instead of the address of a pod, for tests. */
  addressOfPod?: (pod: Pod, port: number) => string | undefined;
  now?: () => number;
}

/** Asks pods how they are. One that does not answer costs its two seconds and keeps what it said for half a minute. */
export const createFigures = ({ token, onOutcome, addressOfPod = addressOf, now = () => performance.now() }: FiguresOptions) => {
  const dispatcher = new Agent({ connections: 1, keepAliveTimeout: 30_000 });
  let told = new Map<string, Told>();

  const get = async (url: string): Promise<unknown> => {
    const { status, text } = await callInner(token, async (headers) => {
      const { statusCode, body } = await request(url, { dispatcher, headers, signal: AbortSignal.timeout(DEADLINE_MS) });
      const parts: Buffer[] = [];
      let bytes = 0;
      for await (const part of body as AsyncIterable<Buffer>) {
        bytes += part.length;
        if (bytes > MOST_BYTES) throw new Error('the figures of a pod are too large');
        parts.push(part);
      }
      return { status: statusCode, text: Buffer.concat(parts).toString() };
    });
    if (status !== 200) throw new Error(`a pod answered ${status}`);
    return JSON.parse(text) as unknown;
  };

  const ask = async (pod: Pod): Promise<Told | undefined> => {
    const component = componentOf(pod);
    const name = pod.metadata?.name ?? '';
    const port = PORTS[component ?? ''];
    const address = port === undefined ? undefined : addressOfPod(pod, port);
    if (address === undefined) return undefined;
    const startedAt = now();
    try {
      const body = await get(`${address}/figures`);
      onOutcome('told');
      return component === 'ai'
        ? { pod: name, at: startedAt, component, figures: parseBody(AiFigures, body) }
        : { pod: name, at: startedAt, component: 'gateway', figures: parseBody(GatewayFigures, body) };
    } catch {
      onOutcome('failed');
      return told.get(name);
    }
  };

  return {
    /** Asks all of them at once; what they say is in `told()` afterwards. */
    async ask(pods: readonly Pod[]): Promise<void> {
      const answers = await Promise.all(pods.map(ask));
      told = new Map(answers.flatMap((answer) => (answer ? [[answer.pod, answer] as const] : [])));
    },
    /** By pod; without what is too old. */
    told: (): ReadonlyMap<string, Told> => new Map([...told].filter(([, { at }]) => now() - at < FRESH_MS)),
    close: () => dispatcher.destroy(),
  };
};
