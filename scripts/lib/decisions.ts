import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Decision {
  file: string;
  number: string;
  title: string;
  /** `Accepted`, `Changed by 0051` or `Replaced by 0051`; empty where the page does not say. */
  state: string;
  date: string;
}

/** `# 0012 Title`, a blank line, and `*Accepted, 2026-11-21. Changed by [0051](….md).*` */
export function readDecision(file: string, text: string): Decision {
  const [heading = '', , state = ''] = text.split('\n');
  const { number = '', title = '' } = /^# (?<number>\d{4}) (?<title>[^\s—:.].*)$/.exec(heading)?.groups ?? {};
  const said = /^\*Accepted, (?<date>\d{4}-\d\d-\d\d)\.(?: (?<later>Changed|Replaced) by \[(?<by>\d{4})\]\(\S+\)\.)?\*$/.exec(
    state,
  )?.groups;
  return {
    file: basename(file),
    number,
    title,
    state: said === undefined ? '' : said['by'] === undefined ? 'accepted' : `${said['later']!.toLowerCase()} by ${said['by']}`,
    date: said?.['date'] ?? '',
  };
}

export const readDecisions = (root: string): Decision[] =>
  globSync('docs/decisions/[0-9]*.md', { cwd: root })
    .sort()
    .map((file) => readDecision(file, readFileSync(join(root, file), 'utf8')));

/** `docs/decisions/README.md`. */
export function renderIndex(decisions: readonly Decision[]): string {
  const rows = decisions.map(({ file, number, title, state, date }) => `| [${number}](${file}) | ${title} | ${state} | ${date} |`);
  return `# Decisions

What somebody could question: what was decided, why, and the figure. Written by \`npm run docs\` from the pages' first lines; do not edit. A
page says \`# NNNN Title\`, a blank line, and \`*Accepted, 2026-11-21.*\`; one that a later page changes or replaces says so behind the date.
Numbers are handed out in ranges, so a gap means nothing.

| number | decision | state | since |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
