import { PARAMETERS } from '../../services/gateway/src/dialects/chat-completions/params.ts';

const BEGIN = '<!-- parameters: written by npm run docs from the gateway’s own list -->';
const END = '<!-- end of parameters -->';

export interface Parameter {
  name: string;
  fate: string;
  note: string;
}

const table = (parameters: readonly Parameter[]): string =>
  [
    '| parameter | what becomes of it | |',
    '| --- | --- | --- |',
    ...parameters.map((p) => `| \`${p.name}\` | ${p.fate} | ${p.note} |`),
  ].join('\n');

/** A page with its table renewed. @throws Error when the marks are missing */
export const withParameters = (page: string, parameters: readonly Parameter[]): string => {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`a page in docs/wires needs the marks ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n${table(parameters)}\n${page.slice(end)}`;
};

/** The same table alone, under the name that clients' tools look for. */
export const chatParameters = (): string =>
  `# Parameters of OpenAI Chat Completions\n\nWritten by \`npm run docs\`; what they mean is in [chat-completions.md](chat-completions.md).\n\n${table(PARAMETERS)}\n`;
