import { expect, test } from 'vitest';
import { createTokenHolder } from './token-holder.ts';

const storageOf = (entries: Map<string, string>): Storage =>
  ({
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key),
  }) as Storage;

test('a reload of the tab keeps the token, until it is forgotten', () => {
  const storage = storageOf(new Map());
  createTokenHolder(storage).set('secret');
  const after = createTokenHolder(storage);
  expect([after.get(), after.held.value]).toEqual(['secret', true]);
  after.forget();
  expect([after.get(), after.held.value, createTokenHolder(storage).get()]).toEqual([undefined, false, undefined]);
});

test('without a storage, or with one that refuses, it lives as long as the page', () => {
  const refusing = new Proxy({} as Storage, {
    get() {
      throw new Error('forbidden');
    },
  });
  for (const storage of [null, refusing]) {
    const tokens = createTokenHolder(storage);
    tokens.set('secret');
    expect(tokens.get()).toBe('secret');
  }
});
