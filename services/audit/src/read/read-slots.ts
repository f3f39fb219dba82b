import type { FastifyInstance } from 'fastify';
import { onClose } from '@runnel/kit';

/** How many of a kind of question are answered at a time, and how many wait: what is read is held here until it is sent. */
export interface Width {
  at: number;
  waiting: number;
}
const WIDE: Width = { at: 8, waiting: 200 };
/** They read whole texts, and an answer may have 8 MiB. */
const NARROW: Width = { at: 4, waiting: 40 };

/** Routes by their first part; what is not named has no width. */
const WIDTHS: Readonly<Record<string, Width>> = {
  history: WIDE,
  records: WIDE,
  search: WIDE,
  trail: WIDE,
  analytics: NARROW,
  parts: NARROW,
  runs: NARROW,
  verify: NARROW,
  holds: NARROW,
};

/** Places that are taken in turn. */
export class Gate {
  readonly #width: Width;
  readonly #waiting = new Set<() => void>();
  #inside = 0;

  constructor(width: Width) {
    this.#width = width;
  }

  /** Resolves when there is a place, to its release; null when too many wait. Who gives up while waiting leaves the queue. */
  async enter(gaveUp: AbortSignal): Promise<(() => void) | null> {
    if (this.#inside >= this.#width.at) {
      if (this.#waiting.size >= this.#width.waiting || gaveUp.aborted) return null;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const next = (): void => resolve(true);
      const leave = (): void => {
        this.#waiting.delete(next);
        resolve(false);
      };
      this.#waiting.add(next);
      gaveUp.addEventListener('abort', leave, { once: true });
      const entered = await promise;
      gaveUp.removeEventListener('abort', leave);
      if (!entered) return null;
    } else this.#inside++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      // The place goes to who waits longest, so `#inside` counts places.
      const [next] = this.#waiting;
      if (next === undefined) this.#inside--;
      else {
        this.#waiting.delete(next);
        next();
      }
    };
  }
}

/** Bounds what this service holds: a few questions of a kind at a time, the others in turn, too many are told so. */
export const registerWidths = (app: FastifyInstance, widths: Readonly<Record<string, Width>> = WIDTHS): void => {
  const gates = new Map(Object.entries(widths).map(([part, width]) => [part, new Gate(width)]));
  app.addHook('onRequest', async (request, reply) => {
    const gate = gates.get(request.url.split(/[/?]/, 2)[1] ?? '');
    if (gate === undefined) return;
    const gone = new AbortController();
    onClose(reply.raw, () => gone.abort());
    const leave = await gate.enter(gone.signal);
    if (leave === null)
      return reply.code(503).header('retry-after', '1').send({ code: 'overloaded', message: 'Too many questions at once.' });
    reply.raw.once('finish', leave);
    onClose(reply.raw, leave);
  });
};
