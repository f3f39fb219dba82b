import { RunnelError } from './errors.ts';

/** What a server promises to read at most; told to clients in `welcome`. */
export interface Limits {
  /** Characters (Unicode code points) of a prompt after trimming. */
  textChars: number;
  /** Bytes of one client frame. */
  frameBytes: number;
}

export const DEFAULT_LIMITS: Limits = { textChars: 5_000, frameBytes: 64 * 1024 };

/** W-6: the text as it will be stored, or why not. */
export const checkText = (text: string, limits: Pick<Limits, 'textChars'>): string => {
  const trimmed = text.trim();
  if (trimmed === '') throw new RunnelError('empty');
  if (trimmed.length > limits.textChars && [...trimmed].length > limits.textChars) {
    throw new RunnelError('too-long', `At most ${limits.textChars} characters.`);
  }
  return trimmed.isWellFormed() ? trimmed : trimmed.toWellFormed();
};
