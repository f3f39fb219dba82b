import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeadlines } from './deadlines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const open = (worthWaiting: (waitedMs: number) => boolean = () => false) => {
  const given: string[] = [];
  const deadlines = createDeadlines(100, worthWaiting);
  const begin = (name: string) => {
    const wait = { since: performance.now(), giveUp: () => void given.push(name) };
    deadlines.begin(wait);
    return wait;
  };
  return { deadlines, given, begin };
};

test('P-10 who waits too long gives up, in the order they began; who has ended does not', () => {
  const { deadlines, given, begin } = open();
  begin('first');
  const answered = begin('answered');
  vi.advanceTimersByTime(60);
  begin('later');
  expect(deadlines.end(answered)).toBe(true);
  vi.advanceTimersByTime(39);
  expect(given).toEqual([]);
  vi.advanceTimersByTime(30);
  expect(given).toEqual(['first']);
  vi.advanceTimersByTime(60);
  expect(given).toEqual(['first', 'later']);
});

test('what was given up cannot end any more', () => {
  const { deadlines, begin } = open();
  const wait = begin('late');
  vi.advanceTimersByTime(200);
  expect(deadlines.end(wait)).toBe(false);
});

test('one timer serves all, and none is left when nothing waits', () => {
  const { deadlines, begin } = open();
  const waits = Array.from({ length: 1_000 }, (_, i) => begin(`${i}`));
  expect(vi.getTimerCount()).toBe(1);
  for (const wait of waits) deadlines.end(wait);
  vi.advanceTimersByTime(50);
  expect(vi.getTimerCount()).toBe(0);
  begin('again');
  expect(vi.getTimerCount()).toBe(1);
});

test('who is worth waiting for stays, and keeps nobody else', () => {
  let busy = true;
  const { given, begin } = open((waitedMs) => busy && waitedMs < 150);
  begin('slow');
  vi.advanceTimersByTime(130);
  expect(given).toEqual([]);
  begin('next');
  busy = false;
  vi.advanceTimersByTime(30);
  expect(given).toEqual(['slow']);
  vi.advanceTimersByTime(110);
  expect(given).toEqual(['slow', 'next']);
});
