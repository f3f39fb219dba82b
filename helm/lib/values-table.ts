import { isCollection, isMap, isScalar, parseDocument, type Node, type YAMLMap } from 'yaml';

export interface ValueRow {
  /** `gateway.autoscaling.enabled` */
  path: string;
  default: unknown;
  description: string;
}

const comment = (text: string | null | undefined): string => (text ?? '').replaceAll(/^ ?/gm, '').replaceAll('\n', ' ').trim();

/** Maps that operators fill themselves, or that mean something as a whole: those stand in one line. */
const isWhole = (node: YAMLMap): boolean => node.items.length === 0 || node.flow === true;

/** Every value of a values.yaml, in its order, with the comment above it. */
export const valueRows = (yaml: string): ValueRow[] => {
  const rows: ValueRow[] = [];
  const visit = (map: YAMLMap, prefix: string): void => {
    for (const [index, { key, value }] of map.items.entries()) {
      const name = isScalar(key) ? String(key.value) : '';
      const path = prefix === '' ? name : `${prefix}.${name}`;
      const node = value as Node | null;
      // The comment before a map's first entry hangs on the map itself.
      const above = comment((key as Node).commentBefore) || (index === 0 && prefix !== '' ? comment(map.commentBefore) : '');
      if (isMap(node) && !isWhole(node)) visit(node, path);
      else rows.push({ path, default: isCollection(node) || isScalar(node) ? node.toJSON() : null, description: above });
    }
  };
  visit(parseDocument(yaml).contents as YAMLMap, '');
  return rows;
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<');

/** The same as a Markdown table. */
export const valuesTable = (yaml: string): string =>
  [
    '| value | default | what it does |',
    '| --- | --- | --- |',
    ...valueRows(yaml).map((row) => `| \`${row.path}\` | \`${JSON.stringify(row.default)}\` | ${cell(row.description)} |`),
  ].join('\n');

const BEGIN = '<!-- values: written by npm run docs from values.yaml -->';
const END = '<!-- end of values -->';

/** The README with its table renewed. @throws Error when the marks are missing */
export const withValuesTable = (readme: string, yaml: string): string => {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`helm/runnel/README.md needs the marks ${BEGIN} and ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${valuesTable(yaml)}\n${readme.slice(end)}`;
};
