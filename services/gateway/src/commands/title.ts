import { clipTitle, MAX_GIVEN_TITLE } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';

/** Characters of a conversation's own text for models. */
export const MAX_SYSTEM = 10_000;

/** White space alone is none. */
export const checkSystem = (system: string): string => {
  const text = system.trim().toWellFormed();
  if ([...text].length > MAX_SYSTEM) throw new RunnelError('too-long', `At most ${MAX_SYSTEM} characters.`);
  return text;
};

/** A title somebody chose: one line, not empty, clipped. */
export const checkTitle = (title: string): string => {
  const line = title.replace(/\s+/g, ' ').trim().toWellFormed();
  if (line === '') throw new RunnelError('empty');
  if ([...line].length > MAX_GIVEN_TITLE) throw new RunnelError('too-long', `At most ${MAX_GIVEN_TITLE} characters.`);
  return clipTitle(line);
};
