import type { Part } from '@runnel/protocol';

/** All that a model thought, as chat completions tell it: one text that only grows. Pure. */
export const reasoningOf = (parts: readonly Part[]): string =>
  parts
    .filter(({ kind, text }) => kind === 'reasoning' && text !== undefined && text !== '')
    .map(({ text }) => text)
    .join('\n\n');
