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
  const turns = messages.filter(({ role }) => role !== 'system');
  const begun = prefix.trimEnd();
  return begun === '' ? turns : [...turns, { role: 'assistant', text: begun }];
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
