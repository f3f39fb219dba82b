import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RunLog } from '@runnel/coordination';
import { callInner, delay, fullJitter, type InnerToken, type Logger } from '@runnel/kit';
import type { AiPods } from './ai-pods.ts';
import type { GatewayMetrics } from '../metrics.ts';

export interface WatchPodsDeps {
  pods: Pick<AiPods, 'list'>;
  token: InnerToken;
  runLog: Pick<RunLog, 'doubtOwner' | 'publishWork'>;
  metrics: Pick<GatewayMetrics, 'lostPods'>;
  log: Logger;
}

/** What a pod says of itself at `GET /alive`: its name as an owner, and how long it may be silent and still live. */
interface Alive {
  owner: string;
  keepMs: number;
}

const LOOK_MS = 500;
const OPEN_MS = 1_000;
const RETRY = { baseMs: 250, maxMs: 5_000 };
/** A pod that says anything longer is none of ours. */
const MOST_CHARACTERS = 1_024;
/** The kernel asks a peer that is silent for so long; a machine that died is given up some minutes later. */
const PROBE_MS = 10_000;

/**
 * Holds a connection to each AI pod on which nothing is said. It ends with the process at the other end, however that ended: then the
 * leases of that owner are cut, and when they are over the other pods are told of its runs (P-4). A pod that lives and only lost the
 * connection renews its leases meanwhile and notices nothing. A machine that dies without a word stays with the length of a lease.
 */
export const watchPods = ({ pods, token, runLog, metrics, log }: WatchPodsDeps) => {
  const closed = new AbortController();
  const { signal } = closed;
  const watched = new Set<string>();

  const lost = async (url: string, { owner, keepMs }: Alive): Promise<void> => {
    try {
      const runs = await runLog.doubtOwner(owner, keepMs);
      metrics.lostPods.inc({ outcome: runs.length > 0 ? 'cut' : 'nothing' });
      if (runs.length === 0) return;
      log.warn({ event: 'pod.lost', pod: url, owner, runs: runs.length });
      await delay(keepMs, signal);
      await Promise.all(runs.map((run) => runLog.publishWork({ kind: 'free', ...run })));
    } catch (err) {
      metrics.lostPods.inc({ outcome: 'failed' });
      log.warn({ event: 'pod.lost', pod: url, owner, err });
    }
  };

  const isListed = (url: string): boolean => pods.list().some((pod) => pod.url === url);
  const watch = async (url: string): Promise<void> => {
    for (let attempt = 0; isListed(url) && !signal.aborted; attempt++) {
      const alive = await holdOn(url, token, signal).catch(() => null);
      if (signal.aborted) return;
      if (alive !== null) {
        attempt = 0;
        void lost(url, alive);
      }
      await delay(fullJitter({ attempt, ...RETRY }), signal);
    }
  };

  const look = async (): Promise<void> => {
    while (!signal.aborted) {
      for (const { url } of pods.list()) {
        if (watched.has(url)) continue;
        watched.add(url);
        void watch(url).finally(() => watched.delete(url));
      }
      await delay(LOOK_MS, signal);
    }
  };
  void look();
  return { close: (): void => closed.abort() };
};

/** What the pod said, when the connection on which it did has ended; null: it says nothing of the kind. Rejects where none can be made. */
const holdOn = async (url: string, token: InnerToken, signal: AbortSignal): Promise<Alive | null> => {
  const { status, response } = await callInner(token, (headers) => open(new URL('/alive', url), headers, signal));
  if (status !== 200) {
    response.destroy();
    return null;
  }
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (part: string) => {
    if (text.length < MOST_CHARACTERS) text += part;
  });
  await new Promise((resolve) => response.on('error', resolve).on('close', resolve));
  return aliveOf(text);
};

const open = (url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<{ status: number; response: IncomingMessage }> =>
  new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { agent: false, signal, headers });
    const late = setTimeout(() => request.destroy(new Error('no answer in time')), OPEN_MS);
    request.on('error', reject);
    request.on('close', () => clearTimeout(late));
    request.on('response', (response) => {
      clearTimeout(late);
      response.socket.setKeepAlive(true, PROBE_MS);
      resolve({ status: response.statusCode ?? 0, response });
    });
    request.end();
  });

/** Null for what is none. Pure. */
export const aliveOf = (text: string): Alive | null => {
  try {
    const { owner, keepMs } = JSON.parse(text) as Partial<Alive>;
    return typeof owner === 'string' && owner !== '' && Number.isInteger(keepMs) && keepMs! > 0 ? { owner, keepMs: keepMs! } : null;
  } catch {
    return null;
  }
};
