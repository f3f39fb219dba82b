import { LRUCache } from 'lru-cache';
import type { GrantKind, GrantRef, Subscription, StoreGrants } from '@runnel/coordination';

type Ended = () => void;
export type HeldGrant = GrantRef & { kind: GrantKind };

/** A hint is pushed within milliseconds; one that was lost is made good by looking, so often. */
const RECHECK_MS = 15_000;
const SUBSCRIBE_AGAIN_MS = 1_000;
/** People whose grants are looked at in one go. */
const AT_ONCE = 32;
/** Longer than from a check of a grant to the watch of what it opened. */
const REMEMBER_MS = 60_000;

/**
 * The sockets and streams of this node that live of a key or a session, each with what ends it. The hint says which; the list of the
 * person is the truth, and is read again whenever hints may have been missed. A store that does not answer ends nobody.
 */
export class LiveGrants {
  readonly #store: Pick<StoreGrants, 'onGrantEnded' | 'listGrants'>;
  readonly #held = new Map<string, { grant: HeldGrant; watchers: Set<Ended> }>();
  readonly #over = new LRUCache<string, true>({ max: 10_000, ttl: REMEMBER_MS });
  readonly #recheckMs: number;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;
  #closed = false;

  constructor(store: Pick<StoreGrants, 'onGrantEnded' | 'listGrants'>, { recheckMs = RECHECK_MS } = {}) {
    this.#store = store;
    this.#recheckMs = recheckMs;
    void this.#subscribe();
    this.#wait();
  }

  /** Grants that something here lives of. */
  get size(): number {
    return this.#held.size;
  }

  /** `ended` is called once, when the grant has ended. Returns the stop. */
  watch(grant: HeldGrant, ended: Ended): () => void {
    const { grantId } = grant;
    const once = (): void => {
      if (entry.watchers.delete(once)) ended();
      if (entry.watchers.size === 0 && this.#held.get(grantId) === entry) this.#held.delete(grantId);
    };
    const entry = this.#held.get(grantId) ?? { grant, watchers: new Set<Ended>() };
    entry.watchers.add(once);
    this.#held.set(grantId, entry);
    // It ended between the check that let somebody in and now.
    if (this.#over.has(grantId)) queueMicrotask(once);
    return () => {
      entry.watchers.delete(once);
      if (entry.watchers.size === 0 && this.#held.get(grantId) === entry) this.#held.delete(grantId);
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    void this.#subscription?.close();
    this.#held.clear();
  }

  #end(grantId: string): void {
    this.#over.set(grantId, true);
    for (const ended of [...(this.#held.get(grantId)?.watchers ?? [])]) ended();
  }

  async #subscribe(): Promise<void> {
    try {
      const listener = { ended: (grantId: string) => this.#end(grantId), resubscribed: () => void this.#check() };
      const subscription = await this.#store.onGrantEnded(listener);
      if (this.#closed) return void subscription.close();
      this.#subscription = subscription;
      void this.#check();
    } catch {
      if (this.#closed) return;
      this.#retry = setTimeout(() => void this.#subscribe(), SUBSCRIBE_AGAIN_MS * (0.5 + Math.random()));
      this.#retry.unref();
    }
  }

  #wait(): void {
    this.#timer = setTimeout(
      () => void this.#check().then(() => this.#closed || this.#wait()),
      this.#recheckMs * (0.75 + Math.random() / 2),
    );
    this.#timer.unref();
  }

  /** Looks whether all that is held still stands. One look at a time. */
  #check(): Promise<void> {
    return (this.#checking ??= this.#look().finally(() => (this.#checking = undefined)));
  }

  async #look(): Promise<void> {
    const byPerson = [...Map.groupBy([...this.#held.values()], ({ grant }) => `${grant.kind} ${grant.userId}`).values()];
    for (let i = 0; i < byPerson.length && !this.#closed; i += AT_ONCE) {
      await Promise.all(byPerson.slice(i, i + AT_ONCE).map((held) => this.#lookAt(held.map(({ grant }) => grant))));
    }
  }

  async #lookAt(held: readonly HeldGrant[]): Promise<void> {
    const { userId, kind } = held[0]!;
    const standing = await this.#store.listGrants({ userId, kind }).catch(() => undefined);
    if (standing === undefined) return;
    const names = new Set(standing.map(({ grantId }) => grantId));
    for (const { grantId } of held) if (!names.has(grantId)) this.#end(grantId);
  }
}
