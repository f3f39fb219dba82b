import { runKey, type RunLog, type RunRef } from '@runnel/coordination';

/** A run whose readers may be sent their place in line; place 0: it waits no longer. */
export interface WaitingRoom {
  readonly unwritten: (RunRef & { since: number }) | null;
  tellPlace(runId: string, place: number): void;
}

/** Most answers begin within a second: do not send a place that is outdated when it is read. */
const AFTER_MS = 1_000;
const EVERY_MS = 1_000;

/** Asks the store where in line the runs stand that people here wait for: one question for all of them, whatever their number. */
export class WaitingPlaces {
  readonly #runLog: Pick<RunLog, 'placesInLine'>;
  readonly #longest: (place: number) => void;
  #asking = false;
  #askedAt = -Infinity;

  /** `longest`: hears the farthest place that is told now; 0: nobody here waits. */
  constructor(runLog: Pick<RunLog, 'placesInLine'>, longest: (place: number) => void) {
    this.#runLog = runLog;
    this.#longest = longest;
  }

  tick(now: number, rooms: Iterable<WaitingRoom>): void {
    if (this.#asking || now - this.#askedAt < EVERY_MS) return;
    this.#askedAt = now;
    const waiting = [...rooms].filter(({ unwritten }) => unwritten !== null && now - unwritten.since >= AFTER_MS);
    if (waiting.length > 0) void this.#ask(waiting);
    else this.#longest(0);
  }

  async #ask(rooms: readonly WaitingRoom[]): Promise<void> {
    this.#asking = true;
    try {
      const runs = rooms.flatMap(({ unwritten }) => (unwritten ? [unwritten] : []));
      const places = await this.#runLog.placesInLine(runs);
      this.#longest(Math.max(0, ...places.values()));
      for (const room of rooms) {
        const run = room.unwritten;
        if (run) room.tellPlace(run.runId, places.get(runKey(run)) ?? 0);
      }
    } catch {
      // The store did not answer: the last place stays on the screen.
    } finally {
      this.#asking = false;
    }
  }
}
