import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, expect, test } from 'vitest';

// The compiler holds what is written against Grafana's types only where each word stands in one literal; so here the JSON itself is one.
const FOLDER = join(import.meta.dirname, '../helm/runnel/dashboards');
const SHIPPED = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

interface Board {
  [key: string]: unknown;
  panels: Panel[];
}
interface Panel {
  [key: string]: unknown;
  type: string;
  options: { [key: string]: unknown; legend: Record<string, unknown> };
  targets: Record<string, unknown>[];
  fieldConfig: { defaults: { custom: Record<string, unknown>; thresholds: Record<string, unknown> } };
}
const read = (name: string): Board => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Board;

/** A board with one thing in it that Grafana would pass over. */
const broken = (change: (panel: Panel, board: Board) => void, kind = 'timeseries'): Board => {
  const board = read('runnel-journey.json');
  change(
    board.panels.find(({ type }) => type === kind)!,
    board,
  );
  return board;
};
const BROKEN: Record<string, [said: RegExp, board: Board]> = {
  'an option that there is not': [/"legends"' does not exist/, broken(({ options }) => (options['legends'] = {}))],
  'an option deeper down': [/"position"' does not exist/, broken(({ options }) => (options.legend['position'] = 'bottom'))],
  'an option of another panel': [/"legend"' does not exist/, broken(({ options }) => (options.legend = {}), 'stat')],
  'a word that an option does not take': [/"below"/, broken(({ options }) => (options.legend['placement'] = 'below'))],
  'an option that is left out': [/graphMode/, broken(({ options }) => Reflect.deleteProperty(options, 'graphMode'), 'stat')],
  'a field option that there is not': [
    /"linewidth"' does not exist/,
    broken(({ fieldConfig }) => (fieldConfig.defaults.custom['linewidth'] = 1)),
  ],
  'a field option of a wrong type': [
    /'string' is not assignable to type 'number'/,
    broken(({ fieldConfig }) => (fieldConfig.defaults.custom['lineWidth'] = '1')),
  ],
  'thresholds of no mode': [/"relative"/, broken(({ fieldConfig }) => (fieldConfig.defaults.thresholds['mode'] = 'relative'))],
  'a word of a query': [/"legend"' does not exist/, broken(({ targets }) => (targets[0]!['legend'] = 'p95'))],
  'a kind of panel': [/"graph"/, broken((panel) => (panel.type = 'graph'))],
  'a word of the board': [/"refreshEvery"' does not exist/, broken((_, board) => (board['refreshEvery'] = '30s'))],
};

const said = new Map<string, string>();

beforeAll(() => {
  const boards = new Map<string, Board>([...SHIPPED.map((name): [string, Board] => [name, read(name)])]);
  for (const [name, [, board]] of Object.entries(BROKEN)) boards.set(name, board);
  const texts = new Map(
    [...boards].map(([name, board], i) => [
      join(import.meta.dirname, `board-${i}.ts`),
      {
        name,
        text: `import type { GrafanaDashboard } from './lib/grafana-types.ts';\nexport const board: GrafanaDashboard = ${JSON.stringify(board)};`,
      },
    ]),
  );
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: [],
    lib: ['lib.es2024.d.ts'],
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  const source = host.getSourceFile.bind(host);
  host.fileExists = (path) => texts.has(path) || fileExists(path);
  host.readFile = (path) => texts.get(path)?.text ?? readFile(path);
  host.getSourceFile = (path, ...rest) => {
    const text = texts.get(path)?.text;
    return text === undefined ? source(path, ...rest) : ts.createSourceFile(path, text, rest[0]);
  };
  const program = ts.createProgram({ rootNames: [...texts.keys()], options, host });
  for (const [path, { name }] of texts) {
    const found = program.getSemanticDiagnostics(program.getSourceFile(path));
    said.set(name, found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')).join('\n'));
  }
  expect(program.getGlobalDiagnostics()).toEqual([]);
}, 240_000);

test.each(SHIPPED)('%s is what Grafana takes, to the last option', (name) => {
  expect(said.get(name)).toBe('');
});

test.each(Object.entries(BROKEN))('and it would be told: %s', (name, [message]) => {
  expect(said.get(name)).toMatch(message);
});
