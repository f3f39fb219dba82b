/** A value that can be read at any time and tells when it changed. Small enough to sit under any view library. */
export interface Store<T> {
  get(): T;
  /** Calls `listener` with each later value (not with the present one) until the returned function is called. */
  subscribe(listener: (value: T) => void): () => void;
}

export interface WritableStore<T> extends Store<T> {
  /** Tells listeners unless the value is the same object as before. */
  set(value: T): void;
}

export const createStore = <T>(initial: T): WritableStore<T> => {
  let value = initial;
  const listeners = new Set<(value: T) => void>();
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener(next);
    },
    subscribe(listener) {
      // A wrapper of its own, so that the same function may subscribe twice and leave once.
      const own = (changed: T): void => listener(changed);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
};
