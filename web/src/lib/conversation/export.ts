import type { Message, Part } from '@runnel/protocol';
import { pathOf } from './tree.ts';

/** A conversation as it leaves the page. */
export interface Export {
  conversationId: string;
  title: string;
  /** All branches, in order of creation. */
  messages: readonly Message[];
}

export interface ExportLabels {
  user: string;
  assistant: string;
  deleted: string;
}

export const toJson = ({ conversationId, title, messages }: Export): string =>
  `${JSON.stringify({ format: 'runnel.conversation', version: 1, conversationId, title, messages }, null, 2)}\n`;

/** The newest branch as a text to read. Answers are Markdown already; what people typed is quoted so that it stays as typed. */
export const toMarkdown = ({ title, messages }: Export, labels: ExportLabels): string => {
  const blocks = pathOf(messages).map(({ node }) => {
    const when = new Date(node.createdAt).toISOString();
    const who = node.role === 'user' ? labels.user : labels.assistant;
    const model = node.model === undefined ? '' : `, ${node.model}`;
    const text = node.status === 'deleted' ? `*${labels.deleted}*` : node.role === 'user' ? quoted(node.text) : lowered(node.text.trim());
    const beside = node.status === 'deleted' ? [] : (node.parts ?? []).flatMap(partLine);
    return [`## ${who} · ${when}${model}`, text, ...(beside.length > 0 ? [beside.join('\n')] : [])].join('\n\n');
  });
  return `${[`# ${title.replace(/\s+/g, ' ')}`, ...blocks].join('\n\n')}\n`;
};

/** What an answer used and where it has things from; what a model thought stays in the JSON. */
const partLine = ({ kind, url, title, name = '', input, output, state }: Part): string[] => {
  if (kind === 'source' && url !== undefined) return [`- [${title ?? url}](<${url}>)`];
  if (kind !== 'tool') return [];
  return [`- ${name} ${code(input ?? '{}')} → ${output === undefined ? state : code(output)}`];
};

/** On one line, between more backticks than it has. */
const code = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  const fence = '`'.repeat(1 + Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length)));
  return `${fence} ${line} ${fence}`;
};

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
/** How far the headings of an answer go down, so that they stand below the one that names its writer. */
const LOWERED = 2;

/** An answer's own headings, one below the outline of the file. What stands in code is no heading. */
const lowered = (text: string): string => {
  let fence: string | null = null;
  return text
    .split('\n')
    .map((line) => {
      const mark = FENCE.exec(line)?.[1];
      if (mark !== undefined && fence === null) fence = mark;
      else if (mark !== undefined && fence !== null && mark.startsWith(fence) && line.trim() === mark) fence = null;
      if (fence !== null || mark !== undefined) return line;
      return line.replace(
        /^( {0,3})(#{1,6})(?=[ \t]|$)/,
        (_, indent: string, marks: string) => indent + '#'.repeat(Math.min(6, marks.length + LOWERED)),
      );
    })
    .join('\n');
};

const quoted = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');

/** A file name made of a title, on any system. */
export const fileName = (title: string, extension: string): string => {
  const stem = title
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${stem || 'conversation'}.${extension}`;
};
