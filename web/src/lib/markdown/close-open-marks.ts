const FENCE_LINE = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}|~{3,})/gm;

const insideFence = (text: string): boolean => [...text.matchAll(FENCE_LINE)].length % 2 === 1;

/** `| a | b |` alone would show as text until its second line is there; with a rule under it, it is a table from its first word. */
const mendTable = (text: string): string | null => {
  const [header = '', rule, ...rows] = text.trimEnd().split('\n');
  if (!/^\s*\|.*\S/.test(header) || rows.length > 0) return null;
  if (rule !== undefined && !/^[\s|:-]*$/.test(rule)) return null;
  const columns = header.trim().replace(/\|$/, '').split('|').length - 1;
  return columns < 1 ? null : `${header.trimEnd().replace(/([^|])$/, '$1|')}\n${'| --- '.repeat(columns)}|`;
};

/** Closes what the last paragraph opened: code first, since marks inside code are text. */
const mendInline = (paragraph: string): string => {
  let text = paragraph
    .replace(/!?\[([^\][\n]*)\]\([^()\s]*$/, '$1')
    .replace(/(^|\s)(?:\*{1,3}|_{1,3}|`|~~)$/, '$1')
    .trimEnd();
  const outside = text.replaceAll(/`[^`\n]*`/g, '');
  const code = outside.includes('`');
  if (code) text += '`';
  const prose = code ? outside.slice(0, outside.indexOf('`')) : outside;
  const bold = (prose.match(/\*\*/g)?.length ?? 0) % 2 === 1;
  const italic = (prose.replaceAll('**', '').match(/(?<=^|[\s(])\*(?=\S)|(?<=\S)\*/gm)?.length ?? 0) % 2 === 1;
  if (bold && italic && text.endsWith('*')) return `${text}*`;
  return `${text}${italic ? '*' : ''}${bold ? '**' : ''}`;
};

/**
 * The block that is still being written, as it will look once its marks are closed: bold is bold from its first letter,
 * a half-written link shows its words only, and no heading or table flashes up from a line that has just begun.
 * Only for the screen; the text itself is never changed.
 */
export const mendOpenBlock = (source: string): string => {
  if (insideFence(source)) return source;
  const table = mendTable(source);
  if (table !== null) return table;
  const text = source.replace(/\n[ \t]*(?:-{1,2}|=+|[*+#]{1,6}|\d{1,9}[.)]?)[ \t]*$/, '\n');
  const start = text.lastIndexOf('\n\n') + 1;
  return text.slice(0, start) + mendInline(text.slice(start));
};
