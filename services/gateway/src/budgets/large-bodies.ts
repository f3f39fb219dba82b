import { ByteBudget } from './byte-budget.ts';

/** A large body that is being read. */
export interface LargeBody {
  /** Who sends it. */
  key: string;
  /** When it was begun (`performance.now()`). */
  since: number;
  /** What has come of it. */
  bytes: number;
  /** Nothing more comes of it: it is worked on, and how long that takes is nobody's slowness. */
  isWhole: boolean;
  /** Ends it with a refusal. Its place is free by then. */
  breakOff(): void;
}

/** So long nobody is called slow: a phone that has just connected. */
const GRACE_MS = 2_000;
/** What has to come a second so that a body keeps its place when all places are taken. */
const SLOWEST_BYTES = 64 * 1024;

/** Of bodies that come too slowly to keep others out, the slowest; undefined when there is none. Pure. */
export const slowestOf = <B extends Pick<LargeBody, 'since' | 'bytes' | 'isWhole'>>(bodies: Iterable<B>, now: number): B | undefined => {
  let slowest: B | undefined;
  let least = SLOWEST_BYTES;
  for (const body of bodies) {
    const ageMs = now - body.since;
    const pace = (body.bytes * 1_000) / ageMs;
    if (!body.isWhole && ageMs > GRACE_MS && pace < least) [slowest, least] = [body, pace];
  }
  return slowest;
};

/**
 * Places for bodies that are large, or say that they are: of one person and of all. Whoever announces much and sends little must not keep
 * others out: when a node's places are taken, the slowest body gives its own to who comes. Four people with eight unfinished bodies each
 * would else hold all 32 for the 30 s that a request may take, and begin again.
 */
export class LargeBodies {
  readonly #places: ByteBudget;
  readonly #bodies = new Set<LargeBody>();
  readonly #now: () => number;

  constructor(max: number, maxEach: number, now: () => number = () => performance.now()) {
    this.#places = new ByteBudget(max, maxEach);
    this.#now = now;
  }

  /** Gives the body a place, or says who has none: `node` for all together, `each` for this one. */
  take(key: string, breakOff: () => void): LargeBody | 'node' | 'each' {
    let room = this.#places.take(key, 1);
    if (room === 'node') {
      const slowest = slowestOf(this.#bodies, this.#now());
      if (slowest === undefined) return room;
      this.release(slowest);
      slowest.breakOff();
      room = this.#places.take(key, 1);
    }
    if (room !== 'taken') return room;
    const body: LargeBody = { key, since: this.#now(), bytes: 0, isWhole: false, breakOff };
    this.#bodies.add(body);
    return body;
  }

  release(body: LargeBody): void {
    if (this.#bodies.delete(body)) this.#places.release(body.key, 1);
  }
}
