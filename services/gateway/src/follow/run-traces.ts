import { LRUCache } from 'lru-cache';
import { traceIdOf } from '@runnel/kit';

/** More runs than a node begins while they are written. */
const KEPT = 4096;
const RUN_ID = /"runId":"([^"\\]{1,128})"/;

/** The traces of runs that were begun here, so that a slow chunk points to one. Empty while nothing is traced. */
export class RunTraces {
  readonly #traces = new LRUCache<string, string>({ max: KEPT });

  /** `traceparent` as the run was begun with it. */
  begun(runId: string, traceparent: string | undefined): void {
    const id = traceIdOf(traceparent);
    if (id !== undefined) this.#traces.set(runId, id);
  }

  /** By the head of one of its chunks; undefined: it was begun elsewhere, or is not traced. */
  ofChunk(head: string): string | undefined {
    if (this.#traces.size === 0) return undefined;
    const runId = RUN_ID.exec(head)?.[1];
    return runId === undefined ? undefined : this.#traces.peek(runId);
  }
}
