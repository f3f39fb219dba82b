/** What is read out of an answer at its end, in characters: some two minutes. The rest stands on the screen. */
const MOST = 1_500;
/** Stands for what cannot be listened to: code, tables, formulas. */
const LEFT_OUT = ' … ';

/** Of more than this the beginning is looked at: what is cut is not worked on. */
const LOOKED_AT = 8 * MOST;

/** An answer as somebody hears it: without the signs of Markdown, without code and tables, and no longer than one listens. Pure. */
export const spoken = (markdown: string): string => {
  const plain = markdown
    .slice(0, LOOKED_AT)
    .replace(/^ {0,3}(```|~~~)[\s\S]*?(?:^ {0,3}\1.*$|$(?![\s\S]))/gm, LEFT_OUT)
    .replace(/^ *\|.*$/gm, LEFT_OUT)
    .replace(/\\\[[\s\S]{0,999}?\\\]|\$\$[\s\S]{0,999}?\$\$/g, LEFT_OUT)
    .replace(/!?\[([^[\]\n]{0,300})\]\([^()\n]{0,999}\)/g, '$1')
    .replace(/^ *(?:#{1,6}|>|[-*+](?= )|\d+\.(?= )) */gm, '')
    .replace(/\*\*|__|~~|`|(?<![\p{L}\p{N}])[*_]|[*_](?![\p{L}\p{N}])/gu, '')
    .replace(/(?:\s*…\s*)+/g, LEFT_OUT)
    .replace(/\s+/g, ' ')
    .trim();
  if (plain.length <= MOST && markdown.length <= LOOKED_AT) return plain;
  const end = plain.lastIndexOf(' ', MOST);
  return `${plain.slice(0, end > 0 ? end : MOST)} …`;
};
