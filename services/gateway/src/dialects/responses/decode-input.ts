import type { Turn } from '@runnel/protocol/http';
import { refuse } from '../openai/api-error.ts';
import { filePart } from '../openai/parts.ts';
import type { ReadTurn } from '../openai/thread.ts';

type Item = Record<string, unknown>;

const ROLES: Readonly<Record<string, Turn['role']>> = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' };
const TEXTS: ReadonlySet<string> = new Set(['input_text', 'output_text', 'text']);

const stringOf = (item: Item, field: string, param: string): string => {
  const value = item[field];
  if (value === undefined) return refuse(`${param}.${field}`, 'is missing.', 'missing_required_parameter');
  return typeof value === 'string' ? value.toWellFormed() : refuse(`${param}.${field}`, 'must be a string.', 'invalid_type');
};

/** A file of this API as one of chat completions; null: it is none. */
const chatPart = (part: Item, param: string): { type: string } | null => {
  if (part['file_id'] !== undefined && part['file_id'] !== null) refuse(`${param}.file_id`, 'not supported; send the data.');
  if (part['file_url'] !== undefined) refuse(`${param}.file_url`, 'not supported; send `file_data`.');
  switch (part['type']) {
    case 'input_image':
      return {
        type: 'image_url',
        image_url: { url: part['image_url'], ...(part['detail'] !== undefined && { detail: part['detail'] }) },
      } as never;
    case 'input_file':
      return {
        type: 'file',
        file: { file_data: part['file_data'], ...(part['filename'] !== undefined && { filename: part['filename'] }) },
      } as never;
    case 'input_audio':
      return part as never;
    default:
      return null;
  }
};

const contentOf = (
  item: Item,
  role: Turn['role'],
  param: string,
): Pick<ReadTurn, 'shown' | 'needs'> & { content: NonNullable<Turn['content']> } => {
  const { content } = item;
  if (typeof content === 'string') return { content: content.toWellFormed(), shown: content.toWellFormed(), needs: [] };
  if (!Array.isArray(content)) return refuse(`${param}.content`, 'must be a string or a list of parts.', 'invalid_type');
  const read = (content as Item[]).map((part, index) => {
    const at = `${param}.content[${index}]`;
    if (typeof part !== 'object' || part === null) return refuse(at, 'must be an object.', 'invalid_type');
    if (TEXTS.has(String(part['type']))) {
      const text = stringOf(part, 'text', at);
      return { text, part: { type: 'text', text } };
    }
    if (part['type'] === 'refusal' && role === 'assistant') {
      const text = stringOf(part, 'refusal', at);
      return { text, part: { type: 'text', text } };
    }
    const chat = role === 'user' ? chatPart(part, at) : null;
    const file = chat && filePart(chat, at);
    return file
      ? { text: file.shown, part: file.part, needs: { input: file.input, param: at } }
      : refuse(at, 'is of a type that is not understood.');
  });
  const needs = read.flatMap((one) => ('needs' in one && one.needs ? [one.needs] : []));
  const shown = read.map(({ text }) => text);
  if (needs.length === 0) return { content: shown.join(''), shown: shown.join(''), needs };
  return { content: read.map(({ part }) => part), shown: shown.join('\n'), needs };
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
      const { content, shown, needs } = contentOf(item, role, param);
      return { turn: { role, content }, shown, needs };
    }
    case 'function_call': {
      const [id, name, args] = [stringOf(item, 'call_id', param), stringOf(item, 'name', param), stringOf(item, 'arguments', param)];
      const call = { id, type: 'function' as const, function: { name, arguments: args } };
      return { turn: { role: 'assistant', content: null, tool_calls: [call] }, shown: `[${name}]`, needs: tools };
    }
    case 'function_call_output': {
      const output = outputOf(item, param);
      const turn = { role: 'tool' as const, content: output, tool_call_id: stringOf(item, 'call_id', param) };
      return { turn, shown: output.trim() === '' ? '[no output]' : output, needs: tools };
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
    { turn, shown: [last.shown, next.shown].filter((text) => text !== '').join(' '), needs: [...last.needs, ...next.needs] },
  ];
};

/** `input` as turns. @throws ApiError */
export const readInput = (input: string | readonly Item[]): ReadTurn[] => {
  if (typeof input === 'string') {
    const text = input.toWellFormed();
    return [{ turn: { role: 'user', content: text }, shown: text, needs: [] }];
  }
  const turns = input.map((item, index) => turnOf(item, `input[${index}]`)).reduce(joined, []);
  const last = turns.at(-1)!;
  // An answer that was begun is gone on with.
  if (last.turn.role === 'assistant')
    turns[turns.length - 1] = { ...last, needs: [...last.needs, { input: 'prefill', param: `input[${input.length - 1}]` }] };
  return turns;
};
