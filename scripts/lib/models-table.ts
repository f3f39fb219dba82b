import type { TSchema } from 'typebox';
import { ModelEntry } from '../../packages/protocol/src/http/model-entry.ts';

interface Facts {
  type?: string;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  description?: string;
  properties?: Record<string, Facts>;
  patternProperties?: Record<string, Facts>;
  required?: readonly string[];
  items?: Facts;
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

const valueOf = (facts: Facts): string => {
  if (facts.enum) return facts.enum.map((word) => `\`${word}\``).join(', ');
  if (facts.type === 'array') return `list of ${valueOf(facts.items ?? {})}s`;
  if (facts.type === 'object') return Object.values(facts.patternProperties ?? {})[0]?.type === 'string' ? 'object of strings' : 'object';
  if (facts.minimum !== undefined && facts.maximum !== undefined) return `${facts.type}, ${facts.minimum} to ${facts.maximum}`;
  if (facts.minimum !== undefined) return `${facts.type} ≥ ${facts.minimum}`;
  return facts.type ?? 'anything';
};

const rowsOf = (schema: Facts, prefix = ''): string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, facts]) => {
    const isNeeded = schema.required?.includes(name) ? '; needed' : '';
    const row = `| \`${prefix}${name}\` | ${cell(facts.description ?? '')} | ${facts.properties ? 'object' : cell(valueOf(facts))}${isNeeded} |`;
    return [row, ...rowsOf(facts, `${prefix}${name}.`)];
  });

/** Every field of an entry of MODELS as a Markdown table, in the order of the schema. */
export const modelsTable = (schema: TSchema = ModelEntry): string =>
  ['| field | meaning | value |', '| --- | --- | --- |', ...rowsOf(schema as Facts)].join('\n');

/** A document with a fresh table of a schema's fields between its marks: `docs/models.md`, `docs/tools.md`. */
export const withFieldsTable = (text: string, schema?: TSchema): string =>
  text.replace(
    /(<!-- fields -->\n)[\s\S]*?(<!-- end of fields -->)/,
    (_all, start: string, end: string) => `${start}\n${modelsTable(schema)}\n\n${end}`,
  );
