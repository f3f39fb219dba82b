import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { MOST_TEXT_BYTES } from '@runnel/files';
import { createPlaces } from './places.ts';

const MIB = 1024 * 1024;

export interface TextJob {
  path: string;
  kind: 'pdf' | 'docx';
  mostBytes: number;
  mostPages: number;
  /** Bytes that a packed document may unpack to. */
  mostInflated: number;
}

/** What one document may take. */
export interface TextLimits {
  ms: number;
  /** Of the worker: its heap, and its buffers beside that. */
  heapBytes: number;
  pages: number;
}
const LIMITS: TextLimits = { ms: 15_000, heapBytes: 192 * MIB, pages: 300 };
const LOOK_MS = 25;

const KINDS: Readonly<Record<string, TextJob['kind']>> = {
  'application/pdf': 'pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
};

/** Beside this file: among the sources, or in an image (scripts/images/bundle.mjs). */
const WORKER = import.meta.url.endsWith('.ts')
  ? new URL('./text-worker.ts', import.meta.url)
  : new URL('./text-worker.mjs', import.meta.url);

/** Bytes that it holds; null: it has ended, or does not say. Buffers are outside of the heap that `resourceLimits` bounds. */
const heldBy = async (worker: Worker): Promise<number | null> => {
  const asked = worker.getHeapStatistics().then(
    ({ used_heap_size: heap, external_memory: outside }) => heap + outside,
    () => null,
  );
  return Promise.race([asked, delay(1_000, null, { ref: false })]);
};

/** Resolves to a document's text; null where none could be read within the limits. Never rejects but for `overloaded`. */
export type ReadText = (path: string, mediaType: string) => Promise<string | null>;

/** Reads documents, one at a time, each in a thread of its own. */
export const createTextReader = (limits: TextLimits = LIMITS): ReadText => {
  const reading = createPlaces(1, 16);
  const read = async (job: TextJob): Promise<string | null> => {
    const worker = new Worker(WORKER, {
      workerData: job,
      resourceLimits: { maxOldGenerationSizeMb: Math.ceil(limits.heapBytes / MIB), maxYoungGenerationSizeMb: 32, stackSizeMb: 4 },
      env: {},
      stdout: true,
      stderr: true,
    });
    const ended = new AbortController();
    const over = Promise.withResolvers<string | null>();
    worker.once('message', (text: string) => over.resolve(text));
    worker.once('error', () => over.resolve(null));
    worker.once('exit', () => over.resolve(null));
    const watch = async (): Promise<void> => {
      for (let leftMs = limits.ms; leftMs > 0 && !ended.signal.aborted; leftMs -= LOOK_MS) {
        await delay(LOOK_MS, undefined, { signal: ended.signal }).catch(() => undefined);
        if (((await heldBy(worker)) ?? 0) > limits.heapBytes) break;
      }
      over.resolve(null);
    };
    const timer = setTimeout(() => over.resolve(null), limits.ms);
    void watch();
    try {
      return await over.promise;
    } finally {
      clearTimeout(timer);
      ended.abort();
      await worker.terminate();
    }
  };
  return async (path, mediaType) => {
    const kind = KINDS[mediaType];
    if (kind === undefined) return null;
    const job = { path, kind, mostBytes: MOST_TEXT_BYTES, mostPages: limits.pages, mostInflated: 32 * MIB };
    const text = await reading(() => read(job));
    return text === null || text.trim() === '' ? null : text;
  };
};
