import { expect, test } from 'vitest';
import { isSendKey, isTypingKey } from './keys.ts';

const key = (name: string, change: Partial<KeyboardEvent> = {}) => ({
  ...{ key: name, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, isComposing: false, keyCode: 0 },
  ...change,
});

test('Enter sends, Shift+Enter and an input method do not', () => {
  expect(isSendKey(key('Enter'))).toBe(true);
  expect(isSendKey(key('Enter', { shiftKey: true }))).toBe(false);
  expect(isSendKey(key('Enter', { isComposing: true }))).toBe(false);
  // Safari ends the composition before it tells of the key.
  expect(isSendKey(key('Enter', { keyCode: 229 }))).toBe(false);
});

test('who wants Ctrl or Command with Enter sends by them alone', () => {
  const sends = (change: Partial<KeyboardEvent>) => isSendKey(key('Enter', change), 'mod-enter');
  expect([{}, { shiftKey: true }, { ctrlKey: true, altKey: true }, { ctrlKey: true, isComposing: true }].map(sends)).not.toContain(true);
  expect([{ ctrlKey: true }, { metaKey: true }].map(sends)).toEqual([true, true]);
  expect(isSendKey(key('Enter', { ctrlKey: true }))).toBe(false);
});

test('letters type, commands do not', () => {
  expect(isTypingKey(key('ấ'))).toBe(true);
  expect(isTypingKey(key('k', { ctrlKey: true }))).toBe(false);
  expect(isTypingKey(key('Tab'))).toBe(false);
  expect(isTypingKey(key(' '))).toBe(false);
});
