import type { Turn } from '@runnel/protocol/http';
import { refuse } from '../openai/api-error.ts';
import { readParts, textContent, type PartReader, type ReadContent } from '../openai/content/content.ts';
import { inlineFile, inlinePicture } from '../openai/content/inline-files.ts';
import { isNothing } from '../openai/nothing.ts';
import type { ReadTurn } from '../openai/content/thread.ts';

type Item = Record<string, unknown>;

const ROLES: Readonly<Record<string, Turn['role']>> = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' };
const TEXTS: ReadonlySet<string> = new Set(['input_text', 'output_text', 'text']);

const stringOf = (item: Item, field: string, param: string): string => {
  const value = item[field];
  if (value === undefined) return refuse(`${param}.${field}`, 'is missing.', 'missing_required_parameter');
  return typeof value === 'string' ? value.toWellFormed() : refuse(`${param}.${field}`, 'must be a string.', 'invalid_type');
};

/** Parts of this API's messages. */
const readerOf = (role: Turn['role']): PartReader => ({
  text(part, at) {
    if (TEXTS.has(String(part['type']))) return stringOf(part, 'text', at);
    return part['type'] === 'refusal' && role === 'assistant' ? stringOf(part, 'refusal', at) : undefined;
  },
  file(part, at, ordinal) {
    if (part['type'] !== 'input_image' && part['type'] !== 'input_file') return null;
    if (!isNothing(part['file_id'])) refuse(`${at}.file_id`, 'not supported; send the data.');
    if (!isNothing(part['file_url'])) refuse(`${at}.file_url`, 'not supported; send `file_data`.');
    if (part['type'] === 'input_image')
      return inlinePicture({ url: part['image_url'], detail: part['detail'] }, ordinal, {
        url: `${at}.image_url`,
        detail: `${at}.detail`,
      });
    const given = { data: part['file_data'], name: part['filename'] };
    return inlineFile(given, ordinal, { data: `${at}.file_data`, name: `${at}.filename` });
  },
});

const contentOf = (item: Item, role: Turn['role'], param: string): ReadContent => {
  const { content } = item;
  if (typeof content === 'string') return textContent(content.toWellFormed());
  if (!Array.isArray(content)) return refuse(`${param}.content`, 'must be a string or a list of parts.', 'invalid_type');
  return readParts(content, role, `${param}.content`, readerOf(role));
};

const outputOf = (item: Item, param: string): string => {
  const { output } = item;
  if (typeof output === 'string') return output.toWellFormed();
  if (!Array.isArray(output)) return refuse(`${param}.output`, 'must be a string or a list of texts.', 'invalid_type');
  return (output as Item[])
    .map((part, index) =>
      TEXTS.has(String(part?.['type']))
        ? stringOf(part, 'text', `${param}.output[${index}]`)
        : refuse(`${param}.output[${index}]`, 'only text.'),
    )
    .join('\n');
};

const turnOf = (item: Item, param: string): ReadTurn => {
  const { type = 'message' } = item;
  const tools = [{ input: 'tool_results' as const, param }];
  switch (type) {
    case 'message': {
      const name = String(item['role']);
      const role =
        (Object.hasOwn(ROLES, name) ? ROLES[name] : undefined) ??
        refuse(`${param}.role`, 'must be system, developer, user or assistant.', 'invalid_value');
      const { content, ...read } = contentOf(item, role, param);
      return { turn: { role, content }, ...read };
    }
    case 'function_call': {
      const [id, name, args] = [stringOf(item, 'call_id', param), stringOf(item, 'name', param), stringOf(item, 'arguments', param)];
      const call = { id, type: 'function' as const, function: { name, arguments: args } };
      return { turn: { role: 'assistant', content: null, tool_calls: [call] }, shown: `[${name}]`, needs: tools, files: [] };
    }
    case 'function_call_output': {
      const output = outputOf(item, param);
      const turn = { role: 'tool' as const, content: output, tool_call_id: stringOf(item, 'call_id', param) };
      return { turn, shown: output.trim() === '' ? '[no output]' : output, needs: tools, files: [] };
    }
    default:
      return refuse(`${param}.type`, 'is not understood.');
  }
};

/** Calls of one answer are one turn, and so are they and the text before them. */
const joined = (turns: ReadTurn[], next: ReadTurn): ReadTurn[] => {
  const last = turns.at(-1);
  const calls = next.turn.tool_calls;
  if (!calls || last?.turn.role !== 'assistant') return [...turns, next];
  const turn = { ...last.turn, tool_calls: [...(last.turn.tool_calls ?? []), ...calls] };
  return [
    ...turns.slice(0, -1),
    {
      turn,
      shown: [last.shown, next.shown].filter((text) => text !== '').join(' '),
      needs: [...last.needs, ...next.needs],
      files: [...last.files, ...next.files],
    },
  ];
};

/** `input` as turns. @throws ApiError */
export const readInput = (input: string | readonly Item[]): ReadTurn[] => {
  if (typeof input === 'string') {
    const text = input.toWellFormed();
    return [{ turn: { role: 'user', content: text }, shown: text, needs: [], files: [] }];
  }
  // Thoughts that a client brings back with an answer are no model's to read.
  const turns = input.flatMap((item, index) => (item['type'] === 'reasoning' ? [] : [turnOf(item, `input[${index}]`)])).reduce(joined, []);
  const last = turns.at(-1);
  if (last === undefined) return refuse('input', 'says nothing.', 'invalid_value');
  // An answer that was begun is gone on with.
  if (last.turn.role === 'assistant')
    turns[turns.length - 1] = { ...last, needs: [...last.needs, { input: 'prefill', param: `input[${input.length - 1}]` }] };
  return turns;
};
