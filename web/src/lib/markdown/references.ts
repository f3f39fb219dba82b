/** Only the plain form, an address and perhaps a title in quotes: anything else appended to a block might show up as text. */
const DEFINITION = /^ {0,3}\[([^\][\n]+)\]:[ \t]*(?:https?:|mailto:)[^\s<>]+(?:[ \t]+"[^"\n]*")?[ \t]*$/gm;
const FENCE = /^ *(?:`{3}|~{3})/m;
/** What may name a definition in a block: `[label]`, also the label of `[text][label]`. */
const LABEL = /\[([^\][\n]+)\]/g;
/** Longer labels are no labels to CommonMark. */
const MAX_LABEL = 999;
/** Definitions of one answer. A model can be made to write thousands, and every visit would pay for them. */
export const MAX_DEFINITIONS = 200;
/** Characters of them all: each block that names them carries them. */
export const MAX_DEFINITION_CHARS = 16_384;

/** By label, as CommonMark compares labels; the first definition of a label counts. */
export type Definitions = ReadonlyMap<string, string>;

export const NO_DEFINITIONS: Definitions = new Map();

const keyOf = (label: string): string => label.trim().replace(/\s+/g, ' ').toLowerCase().toUpperCase();

/** The link definitions of an answer (`[docs]: https://…`), which often stand at its end and name links all over it. */
export const definitionsOf = (text: string): Definitions => {
  if (!text.includes(']:')) return NO_DEFINITIONS;
  const found = new Map<string, string>();
  let room = MAX_DEFINITION_CHARS;
  for (const [line, label = ''] of text.matchAll(DEFINITION)) {
    if (found.size === MAX_DEFINITIONS || room < line.length) break;
    const key = keyOf(label);
    if (key === '' || label.length > MAX_LABEL || found.has(key)) continue;
    found.set(key, line);
    room -= line.length;
  }
  return found;
};

/**
 * A block with the definitions that it names, so that it can be rendered on its own. Only those: all of them in every block would make
 * 2,000 definitions over 2,000 blocks four million. Blocks without a bracket, and code, stay as they are.
 */
export const withDefinitions = (block: string, definitions: Definitions): string => {
  if (definitions.size === 0 || !block.includes('[') || FENCE.test(block)) return block;
  const named = new Map<string, string>();
  for (const [, label = ''] of block.matchAll(LABEL)) {
    const key = keyOf(label);
    const line = definitions.get(key);
    if (line !== undefined) named.set(key, line);
  }
  return named.size === 0 ? block : `${block.trimEnd()}\n\n${[...named.values()].join('\n')}\n`;
};
