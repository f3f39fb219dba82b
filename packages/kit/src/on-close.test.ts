import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { onClose } from './on-close.ts';

const closable = (destroyed = false) => Object.assign(new EventEmitter(), { destroyed });

test('what has closed already is told at once, what closes later then, and only once', () => {
  const told = vi.fn();
  onClose(closable(true), told);
  expect(told).toHaveBeenCalledTimes(1);
  const open = closable();
  onClose(open, told);
  expect(told).toHaveBeenCalledTimes(1);
  open.emit('close');
  open.emit('close');
  expect(told).toHaveBeenCalledTimes(2);
});

test('who stops listening is not told, and leaves no listener', () => {
  const told = vi.fn();
  const open = closable();
  onClose(open, told)();
  open.emit('close');
  expect([told.mock.calls.length, open.listenerCount('close')]).toEqual([0, 0]);
});
