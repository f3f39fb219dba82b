import type { StoreMemory } from './redis/memory-usage.ts';

/**
 * How long a store that answers others is waited for (decision 0009): of a thousand prompts in one second, none is better off with an error.
 */
export const BUSY_STORE_MS = 5_000;

/** The store itself, whatever is in it: whether it answers, which one it is, how full it is, and what all of its processes share. */
export interface StoreHealth {
  /**
   * A random secret that all processes of this store share and nobody else knows: whoever asks first makes it. After a store has lost
   * it, the first to ask puts its own back, so that processes which run on keep agreeing.
   */
  sharedSecret(name: string): Promise<string>;
  /** `ping` resolves when the store answers; `answering`: it has just done so, and what takes long waits its turn. */
  ping(): Promise<void>;
  answering(): boolean;
  /** Called when another server, or another history of one, answers than before: what it holds may be older. */
  onStoreChange(listener: () => void): void;
  /** Milliseconds since this process last saw such a change; infinite: never. */
  storeChangedAgoMs(): number;
  /** How full the store is; null where it has no memory but the process's own. */
  storeMemory(): Promise<StoreMemory | null>;
}
