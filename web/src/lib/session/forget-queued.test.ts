import { expect, test } from 'vitest';
import { forgetQueued } from './forget-queued.ts';

test('S-21 signing out removes every prompt that waits to be sent, and nothing else', () => {
  const held = new Map([
    ['runnel.outbox.m1', 'words'],
    ['runnel.theme', 'dark'],
    ['runnel.outbox.m2', 'more words'],
    ['other', 'x'],
  ]);
  const storage = {
    get length() {
      return held.size;
    },
    key: (index: number) => [...held.keys()][index] ?? null,
    removeItem: (name: string) => void held.delete(name),
  } as Storage;
  forgetQueued(storage);
  expect([...held.keys()]).toEqual(['runnel.theme', 'other']);
});
