import type { TSchema } from 'typebox';
import { fileVariable, showSetting, type ConfigSpec, type Setting } from './config.ts';

interface SchemaFacts {
  title?: string;
  type?: string;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  items?: SchemaFacts;
}

/** The settings of one service as a Markdown table, in the order of the spec. */
export function configTable(spec: ConfigSpec): string {
  const rows = Object.values(spec.settings).map((setting) => {
    const file = fileVariable(spec, setting);
    const name = `\`${setting.env}\`${file === undefined ? '' : `, \`${file}\``}${setting.secret ? ' (secret)' : ''}`;
    return `| ${name} | ${escapeCell(setting.description)} | ${describeSchema(setting.schema)} | ${describeDefault(setting)} |`;
  });
  return ['| variable | meaning | value | default |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function describeSchema(schema: TSchema): string {
  const facts: SchemaFacts = schema;
  if (facts.enum !== undefined) return facts.enum.map((word) => `\`${word}\``).join(', ');
  if (facts.type === 'array' && facts.items?.type === 'string') return 'list, by commas';
  if (facts.title === 'file') return 'path of a file';
  if (facts.title === 'duration') return 'duration (`500ms`, `3s`, `5m`)';
  if (facts.type === 'integer' || facts.type === 'number') return `${facts.type}${describeBounds(facts)}`;
  if (facts.type === 'string' || facts.type === 'boolean') return facts.type;
  return 'JSON';
}

function describeBounds({ minimum, maximum }: SchemaFacts): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` ≥ ${minimum}`;
  return maximum === undefined ? '' : ` ≤ ${maximum}`;
}

/** The default of a secret is no secret: it stands in the source. */
function describeDefault(setting: Setting): string {
  if (setting.defaultText !== undefined) return escapeCell(setting.defaultText);
  if (setting.default === undefined) return setting.optional ? 'none' : '**required**';
  const text = showSetting(setting, setting.default);
  return text === '' ? 'empty' : `\`${escapeCell(text)}\``;
}

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
