import { control, type Outgoing } from './wire-event.ts';
import type { Follower } from './follower.ts';

/** The gateways: this one, and those that live as far as is known. */
export interface Neighbours {
  readonly name: string;
  alive(): readonly string[];
}

/** Counts above this are shown as this. */
const MOST_DEVICES = 100;
/** The store may have lost it. */
const AGAIN_MS = 300_000;
/** A gateway that has just published counts as alive, even if the list of live gateways is older. */
const HEARD_MS = 8_000;

/** On how many screens one conversation is open, over all gateways. */
export class RoomPresence {
  readonly #conversationId: string;
  /** By gateway. */
  #here = new Map<string, number>();
  readonly #heardAt = new Map<string, number>();
  #told = 0;
  #toldAt = -Infinity;
  #telling = false;
  #shown = 1;

  constructor(conversationId: string) {
    this.#conversationId = conversationId;
  }

  /** A count that another gateway published. */
  hear({ by, devices }: { by?: unknown; devices?: unknown }, now: number): void {
    if (typeof by !== 'string' || typeof devices !== 'object' || devices === null) return;
    this.#here = new Map(Object.entries(devices).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
    this.#heardAt.set(by, now);
  }

  eventFor(userId: string): Outgoing {
    return control({ type: 'presence', conversationId: this.#conversationId, users: [userId], devices: this.#shown });
  }

  /**
   * Once a second: tells the store when this gateway's count is another one, so that a thousand who come at once are told once. Returns
   * what its readers are to be shown, when that has changed.
   */
  look(
    followers: Iterable<Follower>,
    { name, alive }: Neighbours,
    tell: (count: number) => Promise<unknown>,
    now: number,
  ): Outgoing | null {
    let own = 0;
    let userId: string | undefined;
    for (const follower of followers) {
      if (!follower.checked) continue;
      own++;
      userId ??= follower.userId;
    }
    const count = Math.min(own, MOST_DEVICES);
    if (!this.#telling && (count !== this.#told || (count > 0 && now - this.#toldAt >= AGAIN_MS))) void this.#tell(count, tell, now);
    if (userId === undefined) return null;
    const living = new Set(alive());
    const lives = (other: string): boolean => living.has(other) || now - (this.#heardAt.get(other) ?? -Infinity) < HEARD_MS;
    let devices = count;
    for (const [other, theirs] of this.#here) if (other !== name && lives(other)) devices += theirs;
    devices = Math.min(devices, MOST_DEVICES);
    if (devices === this.#shown) return null;
    this.#shown = devices;
    return this.eventFor(userId);
  }

  async #tell(count: number, tell: (count: number) => Promise<unknown>, now: number): Promise<void> {
    this.#telling = true;
    try {
      await tell(count);
      this.#told = count;
      this.#toldAt = now;
    } catch {
      // The next refresh sends it.
    } finally {
      this.#telling = false;
    }
  }
}
