import { expect, test } from 'vitest';
import { createStore } from './store.ts';

test('listeners hear later values, not the present one, until they leave', () => {
  const store = createStore(1);
  const heard: number[] = [];
  const leave = store.subscribe((value) => heard.push(value));
  store.set(2);
  store.set(2);
  leave();
  leave();
  store.set(3);
  expect(heard).toEqual([2]);
  expect(store.get()).toBe(3);
});

test('one function may listen twice, and one may leave while all are told', () => {
  const store = createStore(0);
  let calls = 0;
  const count = (): void => void calls++;
  const leave = store.subscribe(count);
  store.subscribe(() => leave());
  store.subscribe(count);
  store.set(1);
  store.set(2);
  expect(calls).toBe(3);
});
