import { computed, shallowRef, type ComputedRef } from 'vue';
import { storedName } from './base.ts';

export interface TokenHolder {
  get(): string | undefined;
  set(token: string): void;
  forget(): void;
  readonly held: ComputedRef<boolean>;
}

const KEY = storedName('runnel:token');

/**
 * The access token that was pasted. In sessionStorage: a reload of this tab keeps it and the end of the tab forgets it. In
 * localStorage it would outlive the visit and be there for the next person at this device; in the URL it would be logged and shared.
 */
export const createTokenHolder = (storage: Storage | null): TokenHolder => {
  const attempt = <T>(use: (storage: Storage) => T): T | undefined => {
    try {
      return storage === null ? undefined : use(storage);
    } catch {
      // Forbidden or full: the token lives as long as the page.
      return undefined;
    }
  };
  const token = shallowRef(attempt((s) => s.getItem(KEY)) ?? undefined);
  return {
    get: () => token.value,
    set(value) {
      token.value = value;
      attempt((s) => s.setItem(KEY, value));
    },
    forget() {
      token.value = undefined;
      attempt((s) => s.removeItem(KEY));
    },
    held: computed(() => token.value !== undefined),
  };
};
