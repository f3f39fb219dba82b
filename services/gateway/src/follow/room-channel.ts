import type { Subscription } from '@runnel/coordination';
import { fullJitter, withDeadline } from '@runnel/kit';

const PATIENCE_MS = 150;
const RETRY = { baseMs: 250, maxMs: 5000 };

export interface RoomChannelDeps {
  /** Subscribes. */
  open(): Promise<Subscription>;
  /** The channel stands, and the log was read before it did: an event may have come in between. */
  missed(): void;
  random: () => number;
}

/**
 * - `opening`: asked for; `readWithout`: somebody reads without it meanwhile.
 * - `failed`: a timer asks again; meanwhile polls read the log, and readers get an error only when those fail too.
 */
type State =
  | { kind: 'opening'; readWithout: boolean }
  | { kind: 'failed'; timer: NodeJS.Timeout }
  | { kind: 'open'; subscription: Subscription }
  | { kind: 'closed' };

/** The subscription of a room to its conversation's channel, asked for until it is had. */
export class RoomChannel {
  readonly #deps: RoomChannelDeps;
  #state: State = { kind: 'opening', readWithout: false };
  /** Resolves when the channel stands, or after a while without it: reading must not wait for a channel that cannot be had. */
  readonly tried: Promise<void>;

  constructor(deps: RoomChannelDeps) {
    this.#deps = deps;
    this.tried = withDeadline(this.#open(0, { readWithout: false }), PATIENCE_MS, () => {
      if (this.#state.kind === 'opening') this.#state.readWithout = true;
    });
  }

  get isOpen(): boolean {
    return this.#state.kind === 'open';
  }

  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    if (state.kind === 'failed') clearTimeout(state.timer);
    if (state.kind === 'open') await state.subscription.close();
  }

  async #open(attempt: number, { readWithout }: { readWithout: boolean }): Promise<void> {
    const opening: State = { kind: 'opening', readWithout };
    this.#state = opening;
    try {
      const subscription = await this.#deps.open();
      // Closed meanwhile.
      if (this.#state !== opening) return await subscription.close();
      this.#state = { kind: 'open', subscription };
      if (opening.readWithout) this.#deps.missed();
    } catch {
      if (this.#state !== opening) return;
      const wait = RETRY.baseMs / 2 + fullJitter({ attempt, ...RETRY, random: this.#deps.random });
      const timer = setTimeout(() => void this.#open(attempt + 1, { readWithout: true }), wait).unref();
      this.#state = { kind: 'failed', timer };
    }
  }
}
