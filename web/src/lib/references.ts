/** Only the plain form, an address and perhaps a title in quotes: anything else appended to a block might show up as text. */
const DEFINITION = /^ {0,3}\[[^\][\n]+\]:[ \t]*(?:https?:|mailto:)[^\s<>]+(?:[ \t]+"[^"\n]*")?[ \t]*$/gm;
const FENCE = /^ *(?:`{3}|~{3})/m;

/** The link definitions of an answer (`[docs]: https://…`), which often stand at its end and name links all over it. */
export const definitionsOf = (text: string): string => (text.includes(']:') ? (text.match(DEFINITION) ?? []).join('\n') : '');

/** A block with what its reference links need to be rendered on its own. Blocks without a bracket, and code, stay as they are. */
export const withDefinitions = (block: string, definitions: string): string =>
  definitions === '' || !block.includes('[') || FENCE.test(block) ? block : `${block.trimEnd()}\n\n${definitions}\n`;
