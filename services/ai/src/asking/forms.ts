import type { FormField, Part } from '@runnel/protocol';

/** What a server asks of a person in the course of a call (MCP's elicitation), a question for each field. */
export interface InputForm {
  /** What its server calls it. */
  key: string;
  message: string;
  fields: FormField[];
}

/** As MCP has it. */
export type FormAnswer = { action: 'accept'; content: Record<string, unknown> } | { action: 'decline' | 'cancel' };

const MOST_FIELDS = 20;
const MOST_SCHEMA = 8 * 1024;
const MOST_MESSAGE = 4_000;
const MOST_WORDS = 1_000;
const MOST_CHOICES = 50;
const MOST_CHOICE = 500;

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A server's form; null when it is none that can be asked here. Pure. */
export const readForm = (key: string, params: unknown): InputForm | null => {
  if (!isObject(params) || (params['mode'] ?? 'form') !== 'form' || typeof params['message'] !== 'string') return null;
  const schema = params['requestedSchema'] ?? {};
  if (!isObject(schema)) return null;
  const properties = Object.entries((schema['properties'] ?? {}) as Json);
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
  if (properties.length > MOST_FIELDS || properties.some(([name, field]) => name === '' || !isObject(field))) return null;
  const fields = properties.map(([name, field]): FormField => ({
    form: key,
    name,
    schema: field as Json,
    ...(required.has(name) && { required: true }),
  }));
  if (JSON.stringify(fields).length > MOST_SCHEMA) return null;
  const message = params['message'].slice(0, MOST_MESSAGE);
  return { key, message, fields: fields.length > 0 ? fields : [{ form: key, name: '', schema: { type: 'boolean' }, required: true }] };
};

/** The choices of a field, with what each stands for. Pure. */
const optionsOf = (schema: Json): { label: string; value: unknown }[] => {
  const titled = [schema['oneOf'], schema['anyOf']].find(Array.isArray) as unknown[] | undefined;
  const found = titled
    ? titled.filter(isObject).map((option) => ({ label: String(option['title'] ?? option['const']), value: option['const'] }))
    : Array.isArray(schema['enum'])
      ? schema['enum'].map((value: unknown, at) => ({
          label: String((schema['enumNames'] as unknown[] | undefined)?.[at] ?? value),
          value,
        }))
      : [];
  return found.slice(0, MOST_CHOICES).map(({ label, value }) => ({ label: label.slice(0, MOST_CHOICE), value }));
};

const YES = 'Yes';
const NO = 'No';
const isList = ({ type }: Json): boolean => type === 'array';
const itemsOf = ({ items }: Json): Json => (isObject(items) ? items : {});

const saidOf = (value: unknown): string => (typeof value === 'string' ? value.trim().slice(0, MOST_WORDS) : '');

/** What a person is asked for a field. Pure. */
export const questionOf = ({ message, fields }: InputForm, field: FormField): Pick<Part, 'text' | 'choices' | 'field'> => {
  const { name, schema, required } = field;
  const label = saidOf(schema['title']) || name;
  const several = isList(schema) ? optionsOf(itemsOf(schema)) : [];
  const lines = [
    message,
    fields.length > 1 || saidOf(schema['title']) !== '' ? label : '',
    saidOf(schema['description']),
    several.length > 0 ? `Some of: ${several.map((option) => option.label).join(', ')}` : '',
    required ? '' : '(It may be left out.)',
  ];
  const choices = isList(schema) ? [] : schema['type'] === 'boolean' ? [YES, NO] : optionsOf(schema).map((option) => option.label);
  return { text: lines.filter((line) => line !== '').join('\n'), ...(choices.length > 0 && { choices }), field };
};

type Read = { value: unknown } | { wrong: string };
const wrong = (words: string): Read => ({ wrong: words });

/** What a person said, as the field wants it. Pure. */
export const readAnswer = (schema: Json, said: string): Read => {
  const text = said.trim();
  if (isList(schema)) {
    const options = optionsOf(itemsOf(schema));
    const names = text
      .split(/[,\n]/)
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const chosen = names.map((name) => pick(options, name));
    const unknown = names.find((_, at) => chosen[at] === undefined && options.length > 0);
    if (unknown !== undefined) return wrong(`${unknown} is none of them.`);
    return (
      inside(schema, 'minItems', 'maxItems', names.length) ?? { value: options.length > 0 ? chosen.map((option) => option!.value) : names }
    );
  }
  const options = optionsOf(schema);
  if (options.length > 0) {
    const chosen = pick(options, text);
    return chosen === undefined ? wrong('It is none of the choices.') : { value: chosen.value };
  }
  if (schema['type'] === 'boolean') {
    if (/^(yes|y|true|1|ok|có|đúng|đồng ý)$/i.test(text)) return { value: true };
    return /^(no|n|false|0|không)$/i.test(text) ? { value: false } : wrong('Yes or no.');
  }
  if (schema['type'] === 'number' || schema['type'] === 'integer') {
    const value = Number(text);
    if (text === '' || !Number.isFinite(value)) return wrong('It has to be a number.');
    if (schema['type'] === 'integer' && !Number.isInteger(value)) return wrong('It has to be a whole number.');
    return inside(schema, 'minimum', 'maximum', value) ?? { value };
  }
  return inside(schema, 'minLength', 'maxLength', [...text].length) ?? { value: text };
};

const pick = (options: ReturnType<typeof optionsOf>, said: string) =>
  options.find(({ label }) => label === said) ??
  options.find(({ label, value }) => [label, String(value)].some((name) => name.toLowerCase() === said.toLowerCase()));

const inside = (schema: Json, least: string, most: string, value: number): Read | null => {
  const [low, high] = [schema[least], schema[most]];
  if (typeof low === 'number' && value < low) return wrong(`At least ${low}.`);
  return typeof high === 'number' && value > high ? wrong(`At most ${high}.`) : null;
};

/** `again`: what does not fit is asked for once more. */
export type Judged = { answer: FormAnswer } | { again: Pick<Part, 'text' | 'choices' | 'field'>[] };

/**
 * What was said to one form: its answer, or the fields to ask for again. Of two questions about a field the later one counts. `questions`: its
 * own, in order; none: nobody was asked. Pure.
 */
export const judgeForm = (questions: readonly Part[]): Judged => {
  const newest = [...new Map(questions.map((part) => [part.field!.name, part] as const)).values()];
  if (newest.length === 0) return { answer: { action: 'cancel' } };
  if (newest.some(({ state, field }) => state === 'dismissed' && field!.required)) return { answer: { action: 'decline' } };
  if (newest.every(({ state }) => state === 'dismissed')) return { answer: { action: 'decline' } };
  const content: Record<string, unknown> = {};
  const again: Extract<Judged, { again: unknown }>['again'] = [];
  for (const { state, answer = '', field, choices } of newest) {
    if (state !== 'answered') continue;
    const read = readAnswer(field!.schema, answer);
    const first = questions.find((part) => part.field!.name === field!.name)!;
    if ('wrong' in read) again.push({ text: `${first.text}\n${read.wrong}`, ...(choices && { choices }), field: field! });
    else if (field!.name !== '') Object.defineProperty(content, field!.name, { value: read.value, enumerable: true });
    else if (read.value !== true) return { answer: { action: 'decline' } };
  }
  return again.length > 0 ? { again } : { answer: { action: 'accept', content } };
};
