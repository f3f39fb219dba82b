import type { ModelFile, ModelMessage } from './provider.ts';

/** A piece of a message, as providers take it in their own words. */
export type Block = { text: string } | { picture: string; mediaType: string; detail?: string };

const MISSING = {
  unseen: 'which you cannot see',
  room: 'which is left out, for there is no room for it',
  gone: 'which is not there any more',
};

const blocksOf = ({ part, content, detail, why = 'gone' }: ModelFile): Block[] => {
  // Its person chose the name: on one line, and nothing that ends it.
  const name = JSON.stringify(part.name ?? 'file');
  if (content === null) return [{ text: `File ${name}, ${MISSING[why]}.` }];
  if (content.kind === 'text') return [{ text: `File ${name} (${part.mediaType}):\n${content.text}\nEnd of file ${name}.` }];
  const picture = Buffer.from(content.bytes).toString('base64');
  return [{ text: `File ${name}:` }, { picture, mediaType: content.mediaType, ...(detail !== undefined && { detail }) }];
};

/** A message with its files: these first, then what its person says of them; providers refuse a text in which nothing is. Pure. */
export const messageBlocks = ({ text, files = [] }: ModelMessage): Block[] => [
  ...files.flatMap(blocksOf),
  ...(text === '' && files.length > 0 ? [] : [{ text }]),
];

/** The same for a model that reads text only. Pure. */
export const messageText = (message: ModelMessage): string =>
  messageBlocks(message)
    .flatMap((block) => ('text' in block ? [block.text] : []))
    .join('\n\n');
