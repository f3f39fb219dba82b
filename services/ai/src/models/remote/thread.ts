import type { ModelMessage, ModelRequest } from '../provider.ts';

export const systemText = ({ messages }: ModelRequest): string =>
  messages
    .filter(({ role }) => role === 'system')
    .map(({ text }) => text)
    .join('\n\n');

/**
 * The turns of people and the model. A prefix goes as a prefilled turn of the assistant, without blanks at its end: providers refuse or
 * strip those.
 */
export const turnsOf = ({ messages, prefix }: ModelRequest): ModelMessage[] => {
  return withPrefix(
    messages.filter(({ role }) => role !== 'system'),
    prefix,
  );
};

/** What a caller began (a last message of the assistant) and what stands of the answer are one turn. */
export const withPrefix = (turns: readonly ModelMessage[], prefix: string): ModelMessage[] => {
  const begun = prefix.trimEnd();
  if (begun === '') return [...turns];
  const last = turns.at(-1);
  if (last?.role !== 'assistant') return [...turns, { role: 'assistant', text: begun }];
  return [...turns.slice(0, -1), { role: 'assistant', text: last.text + begun }];
};

/** Models write the blanks again that were cut off the prefix; the first text loses them, so that they stand once. */
export const skipRepeatedBlanks = (prefix: string): ((text: string) => string) => {
  let cut = prefix.slice(prefix.trimEnd().length);
  if (cut === prefix) cut = '';
  return (text) => {
    if (cut === '') return text;
    let same = 0;
    while (same < text.length && same < cut.length && text[same] === cut[same]) same++;
    cut = same === text.length ? cut.slice(same) : '';
    return text.slice(same);
  };
};
