import { delay, fullJitter } from '@runnel/kit';
import { StatusError } from './api.ts';
import type { KubeObject } from './objects.ts';

/** One line of a watch. `ERROR` carries a Status instead of an object. */
export interface WatchEvent<T> {
  type: string;
  object: T & { code?: number; message?: string };
}

/** A kind of object of an API server. Both reject with a `StatusError` when the server answers, with another error when not. */
export interface ListWatch<T> {
  list(): Promise<{ items: T[]; resourceVersion: string }>;
  /** Resolves when the connection ended, for whatever reason that is no answer of the server's. */
  watch(resourceVersion: string, onEvent: (event: WatchEvent<T>) => void, signal: AbortSignal): Promise<void>;
}

export const REFLECTOR_OUTCOMES = ['listed', 'watch-ended', 'expired', 'failed'] as const;
export type ReflectorOutcome = (typeof REFLECTOR_OUTCOMES)[number];

export interface ReflectorOptions<T> {
  source: ListWatch<T>;
  /** The whole truth as it is now; what was known stays while the server does not answer. */
  onChange(objects: readonly T[]): void;
  onOutcome?(outcome: ReflectorOutcome): void;
  /** It failed, and will be tried again; `attempt` counts from 0. */
  onFailure?(error: unknown, attempt: number): void;
  signal: AbortSignal;
  /** Of a row of failures; 200 ms to 10 s when absent. */
  backoff?: { baseMs: number; maxMs: number };
  random?: () => number;
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

const GONE = 410;
const BACKOFF = { baseMs: 200, maxMs: 10_000 };
/** A watch that ends sooner was refused by something between us and the server: it must not be asked again in a tight loop. */
const SHORT_WATCH_MS = 1000;

/**
 * Keeps a copy of what an API server holds: lists once, then watches from there. A watch that just ended (server timeout,
 * silence, a cut) goes on from the last version seen; one whose version has expired (410) is listed again. Never rejects;
 * resolves when the signal aborts.
 */
export const reflect = async <T extends KubeObject>(options: ReflectorOptions<T>): Promise<void> => {
  const { source, onChange, onOutcome, onFailure, signal, backoff = BACKOFF, random = Math.random, wait = delay } = options;
  const known = new Map<string, T>();
  let version: string | undefined;
  let failures = 0;

  const list = async (): Promise<string> => {
    const { items, resourceVersion } = await source.list();
    known.clear();
    for (const item of items) known.set(item.metadata?.name ?? '', item);
    onOutcome?.('listed');
    onChange([...known.values()]);
    return resourceVersion;
  };

  const apply = ({ type, object }: WatchEvent<T>): void => {
    if (type === 'ERROR') {
      version = undefined;
      throw new StatusError(object.code ?? 500, object.message);
    }
    version = object.metadata?.resourceVersion ?? version;
    // A bookmark says how far the server is, nothing else.
    if (type === 'BOOKMARK') return;
    const name = object.metadata?.name ?? '';
    if (type === 'DELETED') known.delete(name);
    else known.set(name, object);
    onChange([...known.values()]);
  };

  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      version ??= await list();
      await source.watch(version, apply, signal);
      onOutcome?.('watch-ended');
      failures = performance.now() - startedAt < SHORT_WATCH_MS ? failures + 1 : 0;
    } catch (error) {
      if (signal.aborted) return;
      const expired = error instanceof StatusError && error.status === GONE;
      if (error instanceof StatusError) version = undefined;
      onOutcome?.(expired ? 'expired' : 'failed');
      if (!expired) onFailure?.(error, failures);
      failures++;
    }
    // The first time at once: an expired version or an ended watch is everyday life.
    if (failures > 1) await wait(fullJitter({ attempt: failures - 2, ...backoff, random }), signal);
  }
};
