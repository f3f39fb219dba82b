import type { BeginRun } from '@runnel/coordination';
import { checkText, type Limits } from '@runnel/protocol';

/** What a command writes, in UTF-8. */
export const sizeOf = ({ message, seed = [], request = '' }: Pick<BeginRun, 'message' | 'seed' | 'request'>): number =>
  seed.reduce((sum, { text }) => sum + Buffer.byteLength(text), Buffer.byteLength(message?.text ?? '') + Buffer.byteLength(request));

/** A text with a decision may be empty; its length is a prompt's. */
export const checkAnswer = (text: string, limits: Limits): string => (text.trim() === '' ? '' : checkText(text, limits));
