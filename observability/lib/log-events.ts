import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface LogEvent {
  event: string;
  /** Names of the fields beside the event, as far as the source spells them out. */
  fields: string[];
  /** `info`, `warn` …; empty when the line is put together first and written elsewhere. */
  level: string;
  /** `services/ai/src/runs/worker.ts:90` */
  place: string;
}

const root = join(import.meta.dirname, '../..');
const SOURCES = ['services/*/src/**/*.ts', 'packages/*/src/**/*.ts'];
const LEVELS = /^(trace|debug|info|warn|error|fatal)$/;
/** Two words with a dot: events of the wire have none. */
const NAME = /^[a-z][a-z-]*\.[a-z-]+$/;

const nameOf = (property: ts.ObjectLiteralElementLike): string =>
  property.name && (ts.isIdentifier(property.name) || ts.isStringLiteral(property.name)) ? property.name.text : '';

const levelOf = (literal: ts.Node): string => {
  const call = literal.parent;
  const callee = call && ts.isCallExpression(call) ? call.expression : undefined;
  return callee && ts.isPropertyAccessExpression(callee) && LEVELS.test(callee.name.text) ? callee.name.text : '';
};

/** The words an event may be: one, or either side of a condition. */
const wordsOf = (value: ts.Expression): string[] => {
  if (ts.isConditionalExpression(value)) return [...wordsOf(value.whenTrue), ...wordsOf(value.whenFalse)];
  return ts.isStringLiteral(value) ? [value.text] : [];
};

const eventsOf = (file: string): LogEvent[] => {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: LogEvent[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      const event = node.properties.find((property) => nameOf(property) === 'event');
      const words = event && ts.isPropertyAssignment(event) ? wordsOf(event.initializer) : [];
      for (const value of words.filter((word) => NAME.test(word))) {
        const fields = node.properties.map(nameOf).filter((name) => name !== '' && name !== 'event');
        const { line } = source.getLineAndCharacterOfPosition(node.getStart());
        found.push({ event: value, fields, level: levelOf(node), place: `${file}:${line + 1}` });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
};

/** Every log line in the sources of services and packages, tests left out. */
export const logEvents = (): LogEvent[] =>
  globSync(SOURCES, { cwd: root, exclude: (path) => path.endsWith('.test.ts') || path.includes('/testing/') })
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/'))
    .toSorted()
    .flatMap(eventsOf);
