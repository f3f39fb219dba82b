import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { hideInUrl } from './hide-in-url.ts';

/** As many as TypeBox tells. */
const MOST_PROBLEMS = 8;
const MOST_CHARACTERS = 80;
/** A person may have put a key where a name belongs: what stands there is not repeated. */
const SECRET = /key|token|secret|password|authorization|headers/i;

interface Found {
  keyword: string;
  instancePath: string;
  message: string;
  params: { allowedValues?: unknown[]; requiredProperties?: string[]; additionalProperties?: string[]; pattern?: string };
}

/**
 * What of a value its schema does not allow: a line each with the path, what stands there and what is allowed. At most eight; no value
 * of what may be a secret. Pure.
 */
export const schemaProblems = (schema: TSchema, value: unknown): string[] => {
  const found = [...Value.Errors(schema, value)] as unknown as Found[];
  return found
    .filter(({ keyword }) => keyword !== 'boolean')
    .slice(0, MOST_PROBLEMS)
    .flatMap((error) => lines(schema, value, error));
};

const lines = (schema: TSchema, value: unknown, { keyword, instancePath, message, params }: Found): string[] => {
  const fields = (): string => Object.keys((at(schema, instancePath, schemaStep) as { properties?: object })?.properties ?? {}).join(', ');
  switch (keyword) {
    case 'additionalProperties':
      return (params.additionalProperties ?? []).map((name) => `${instancePath}/${name} is not known: one of ${fields()}`);
    case 'required':
      return (params.requiredProperties ?? []).map((name) => `${instancePath}/${name} is missing`);
    case 'enum':
      return [`${instancePath} is ${shown(value, instancePath)}: one of ${(params.allowedValues ?? []).join(', ')}`];
    default:
      return [`${instancePath === '' ? '' : `${instancePath} `}is ${shown(value, instancePath)}: ${message}`];
  }
};

const shown = (value: unknown, path: string): string => {
  if (SECRET.test(path)) return '***';
  const text = hideInUrl(JSON.stringify(at(value, path, (part, name) => (part as Record<string, unknown>)?.[name])) ?? 'nothing');
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
};

/** What a JSON pointer leads to. */
const at = (from: unknown, path: string, step: (part: unknown, name: string) => unknown): unknown =>
  path
    .split('/')
    .slice(1)
    .reduce((part, name) => step(part, name.replaceAll('~1', '/').replaceAll('~0', '~')), from);

const schemaStep = (schema: unknown, name: string): unknown => {
  const { items, properties } = (schema ?? {}) as { items?: unknown; properties?: Record<string, unknown> };
  return items ?? properties?.[name];
};
