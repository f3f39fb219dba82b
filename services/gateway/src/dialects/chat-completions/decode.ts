import { MODEL_PARAM_NAMES, type ModelParams, type Turn } from '@runnel/protocol/http';
import { refuse } from '../openai/api-error.ts';
import { bodyCheck } from '../openai/check-body.ts';
import { readParts, textContent, type PartReader, type ReadContent } from '../openai/content/content.ts';
import { fieldOf } from '../openai/content/field.ts';
import { inlineFile, inlinePicture } from '../openai/content/inline-files.ts';
import { isNothing } from '../openai/nothing.ts';
import { readThread, type ReadThread, type ReadTurn } from '../openai/content/thread.ts';
import { CompletionBody, OF_ANSWERS, REFUSED, type CallerMessage } from './params.ts';

/** A request as a prompt of ours. */
export interface Completion extends ReadThread {
  params: ModelParams;
  model: string | undefined;
  stream: boolean;
  /** Undefined: the caller has not said. */
  includeUsage: boolean | undefined;
  /** The conversation is in the person's list. */
  store: boolean;
}

const ROLES: Partial<Record<CallerMessage['role'], Turn['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
};

/** Parts of this API's messages. */
const readerOf = (role: string): PartReader => ({
  text(part, at) {
    const { text, refusal } = part;
    const said = part['type'] === 'text' ? text : part['type'] === 'refusal' && role === 'assistant' ? refusal : undefined;
    if (said === undefined || typeof said === 'string') return said;
    return refuse(`${at}.${String(part['type'])}`, 'must be a string.', 'invalid_type');
  },
  file(part, at, ordinal) {
    if (part['type'] === 'image_url') {
      const image = part['image_url'];
      const [url, field] = typeof image === 'string' ? [image, `${at}.image_url`] : [fieldOf(image, 'url'), `${at}.image_url.url`];
      return inlinePicture({ url, detail: fieldOf(image, 'detail') }, ordinal, { url: field, detail: `${at}.image_url.detail` });
    }
    if (part['type'] !== 'file') return null;
    const file = part['file'];
    if (!isNothing(fieldOf(file, 'file_id'))) refuse(`${at}.file.file_id`, 'not supported; send `file_data`.');
    const given = { data: fieldOf(file, 'file_data'), name: fieldOf(file, 'filename') };
    return inlineFile(given, ordinal, { data: `${at}.file.file_data`, name: `${at}.file.filename` });
  },
});

const contentOf = ({ content, role }: CallerMessage, param: string): Omit<ReadContent, 'content'> & { content: Turn['content'] } => {
  if (content === undefined || content === null) {
    if (role !== 'assistant') refuse(`${param}.content`, 'is missing.', 'missing_required_parameter');
    return { ...textContent(''), content: null };
  }
  if (typeof content === 'string') return textContent(content.toWellFormed());
  return readParts(content, role, `${param}.content`, readerOf(role));
};

const turnOf = (message: CallerMessage, index: number, isLast: boolean): ReadTurn => {
  const param = `messages[${index}]`;
  const role = ROLES[message.role] ?? refuse(`${param}.role`, 'use `tool`.');
  if (!isNothing(message.audio)) refuse(`${param}.audio`, 'not supported.');
  if (!isNothing(message.function_call)) refuse(`${param}.function_call`, 'use `tool_calls`.');
  const foreign = role === 'assistant' ? undefined : OF_ANSWERS.find((name) => !isNothing(message[name]));
  if (foreign) refuse(`${param}.${foreign}`, 'only an assistant’s message has it.', 'invalid_value');
  const { content, shown, needs, files } = contentOf(message, param);
  const calls = message.tool_calls ?? [];
  if (calls.length > 0 && role !== 'assistant') refuse(`${param}.tool_calls`, 'only an assistant calls tools.', 'invalid_value');
  if (role === 'tool' && message.tool_call_id === undefined) refuse(`${param}.tool_call_id`, 'is missing.', 'missing_required_parameter');
  if (role === 'assistant' && content === null && calls.length === 0 && isNothing(message.refusal))
    refuse(`${param}.content`, 'is missing.', 'missing_required_parameter');
  const told = calls.map(({ id, type = 'function', function: called }, call) => {
    if (type !== 'function') refuse(`${param}.tool_calls[${call}].type`, 'only functions are understood.');
    return { id, type: 'function' as const, function: { name: called.name, arguments: called.arguments } };
  });
  const isOfTools = role === 'tool' || told.length > 0;
  const more: ReadTurn['needs'] = [
    ...needs,
    ...(isOfTools ? [{ input: 'tool_results' as const, param }] : []),
    ...(isLast && role === 'assistant' ? [{ input: 'prefill' as const, param }] : []),
  ];
  return {
    turn: {
      role,
      content: content ?? (typeof message.refusal === 'string' ? message.refusal : null),
      ...(message.name !== undefined && { name: message.name }),
      ...(told.length > 0 && { tool_calls: told }),
      ...(message.tool_call_id !== undefined && { tool_call_id: message.tool_call_id }),
    },
    shown: shown.trim() === '' && isOfTools ? `[${told.map((call) => call.function.name).join(', ') || 'no output'}]` : shown,
    needs: more,
    files,
  };
};

/** What would change the answer, or what comes of it, if it were passed over in silence. */
const checkSupported = (body: CompletionBody): void => {
  for (const [name, why] of Object.entries(REFUSED))
    if (!isNothing((body as Record<string, unknown>)[name])) refuse(name, `not supported: ${why}.`, 'unsupported_parameter');
  if (typeof body.n === 'number' && body.n !== 1) refuse('n', 'one answer at a time.');
  if (body.modalities && body.modalities.some((modality) => modality !== 'text')) refuse('modalities', 'only text is answered.');
  if (body.stream_options?.include_obfuscation === true) refuse('stream_options.include_obfuscation', 'not done here.');
  if (body.stream_options && body.stream !== true) refuse('stream_options', 'only with `stream`.', 'invalid_value');
  if (body.tool_choice && body.tool_choice !== 'none' && !body.tools?.length) refuse('tool_choice', 'only with `tools`.', 'invalid_value');
};

/** What the model is told: everything but what says nothing. */
const paramsOf = (body: ModelParams): ModelParams =>
  Object.fromEntries(
    MODEL_PARAM_NAMES.flatMap((name) => {
      const value = body[name];
      const isDefault = isNothing(value) && typeof value !== 'number' && typeof value !== 'boolean' && value !== 'none';
      return isDefault || (name === 'response_format' && (value as { type?: string }).type === 'text') ? [] : [[name, value]];
    }),
  );

const check = bodyCheck(CompletionBody);

/**
 * Reads a chat completion request.
 *
 * @throws ApiError that names what does not fit, or what is not done here
 */
export const readCompletion = (unknown: unknown): Completion => {
  const body = check(unknown) as CompletionBody;
  checkSupported(body);
  const last = body.messages.length - 1;
  const turns = body.messages.map((message, index) => turnOf(message, index, index === last));
  const params = paramsOf(body);
  return {
    ...readThread(turns, { params, param: 'messages' }),
    params,
    model: body.model,
    stream: body.stream === true,
    includeUsage: body.stream_options?.include_usage,
    store: body.store === true,
  };
};
