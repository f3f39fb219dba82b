import { RunnelError } from '@runnel/protocol';

const MAX_TITLE = 80;
const MAX_GIVEN = 200;

const clip = (text: string): string => {
  const characters = [...text];
  return characters.length <= MAX_TITLE
    ? text
    : `${characters
        .slice(0, MAX_TITLE - 1)
        .join('')
        .trimEnd()}…`;
};

/** A new conversation is called by the first line of its first prompt. */
export const titleOf = (text: string): string => clip((text.trim().split('\n', 1)[0] ?? '').replace(/\s+/g, ' ').trim());

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
  if ([...line].length > MAX_GIVEN) throw new RunnelError('too-long', `At most ${MAX_GIVEN} characters.`);
  return clip(line);
};
