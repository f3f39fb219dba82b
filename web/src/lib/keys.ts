import type { SendKey } from './own/choices.ts';

/**
 * Enter alone, or Enter with Ctrl (Command) where somebody wants it so. Not while an input method composes: in Vietnamese, Japanese or Chinese,
 * Enter there picks a word.
 */
export const isSendKey = (
  event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey' | 'isComposing' | 'keyCode'>,
  by: SendKey = 'enter',
): boolean =>
  event.key === 'Enter' &&
  !event.shiftKey &&
  !event.altKey &&
  (event.ctrlKey || event.metaKey) === (by === 'mod-enter') &&
  !event.isComposing &&
  event.keyCode !== 229;

/** A key that would type something: it belongs into the message box, wherever the focus is. */
export const isTypingKey = (event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'isComposing'>): boolean =>
  [...event.key].length === 1 && event.key !== ' ' && !event.ctrlKey && !event.altKey && !event.metaKey && !event.isComposing;
