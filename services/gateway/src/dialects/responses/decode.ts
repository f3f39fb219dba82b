import type { ModelParams } from '@runnel/protocol/http';
import { refuse } from '../openai/api-error.ts';
import { bodyCheck } from '../openai/check-body.ts';
import { isNothing } from '../openai/nothing.ts';
import { readThread, type ReadThread } from '../openai/content/thread.ts';
import { readInput } from './decode-input.ts';
import { echoOf, type Echo } from './echo.ts';
import { REFUSED, ResponseBody } from './params.ts';

/** A request as a prompt of ours. */
export interface ReadResponse extends ReadThread {
  params: ModelParams;
  model: string | undefined;
  instructions: string | undefined;
  stream: boolean;
  background: boolean;
  /** May be asked for later. */
  store: boolean;
  /** The conversation is in the person's list. */
  listed: boolean;
  previous: string | undefined;
  conversation: string | undefined;
  echo: Echo;
}

/** Thoughts are told as they came, and none is read again: nothing of them is hidden that could be asked for. */
const TOLD_OPENLY = 'reasoning.encrypted_content';

const checkSupported = (body: ResponseBody): void => {
  for (const [name, why] of Object.entries(REFUSED))
    if (!isNothing((body as Record<string, unknown>)[name])) refuse(name, `not supported: ${why}.`, 'unsupported_parameter');
  if (body.include?.some((what) => what !== TOLD_OPENLY)) refuse('include', 'nothing more is told.');
  if (body.truncation === 'auto') refuse('truncation', 'nothing of the input is left out.');
  if (body.stream_options?.include_obfuscation === true) refuse('stream_options.include_obfuscation', 'not done here.');
  if (body.tool_choice && body.tool_choice !== 'none' && body.tool_choice !== 'auto' && !body.tools?.length)
    refuse('tool_choice', 'only with `tools`.', 'invalid_value');
  if (body.background && body.store === false) refuse('background', 'what is not stored cannot be asked for.', 'invalid_value');
  if (body.previous_response_id && body.conversation) refuse('previous_response_id', 'not together with `conversation`.', 'invalid_value');
};

const formatOf = (text: ResponseBody['text']): ModelParams['response_format'] => {
  const format = text?.format;
  if (!format || format.type === 'text') return undefined;
  if (format.type !== 'json_schema') return { type: 'json_object' };
  const { name, description, schema, strict } = format;
  return {
    type: 'json_schema',
    json_schema: { name, schema, ...(description !== undefined && { description }), ...(strict !== undefined && { strict }) },
  };
};

/** Which field of this API a parameter of the model came from. */
const FIELDS: Readonly<Record<string, string>> = {
  max_tokens: 'max_output_tokens',
  response_format: 'text.format',
  verbosity: 'text.verbosity',
  reasoning_effort: 'reasoning.effort',
};
export const fieldOf = (param: string): string => FIELDS[param] ?? param;

const paramsOf = (body: ResponseBody): ModelParams => {
  const choice = body.tool_choice;
  const told = {
    max_tokens: body.max_output_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    tools: body.tools?.length
      ? body.tools.map(({ type, name, description, parameters, strict }) => ({
          type,
          function: {
            name,
            ...(description !== undefined && { description }),
            ...(parameters !== undefined && { parameters }),
            ...(strict !== undefined && { strict }),
          },
        }))
      : undefined,
    tool_choice: !body.tools?.length
      ? undefined
      : typeof choice === 'object' && choice !== null
        ? { type: 'function', function: { name: choice.name } }
        : choice,
    parallel_tool_calls: body.tools?.length ? body.parallel_tool_calls : undefined,
    response_format: formatOf(body.text),
    verbosity: body.text?.verbosity,
    reasoning_effort: body.reasoning?.effort,
    service_tier: body.service_tier === 'auto' ? undefined : body.service_tier,
    user: body.user,
    safety_identifier: body.safety_identifier,
    prompt_cache_key: body.prompt_cache_key,
    prompt_cache_retention: body.prompt_cache_retention,
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined && value !== null));
};

const check = bodyCheck(ResponseBody);

/** Reads a request for a response. @throws ApiError that names what does not fit, or what is not done here */
export const readResponse = (unknown: unknown): ReadResponse => {
  const body = check(unknown) as ResponseBody;
  checkSupported(body);
  if (body.input === undefined) return refuse('input', 'is missing.', 'missing_required_parameter');
  const params = paramsOf(body);
  const instructions = body.instructions ?? undefined;
  const { conversation } = body;
  const previous = body.previous_response_id ?? undefined;
  return {
    ...readThread(readInput(body.input as string), { params, param: 'input', instructions, isAllNew: previous !== undefined }),
    params,
    model: body.model,
    instructions,
    stream: body.stream === true,
    background: body.background === true,
    store: body.store !== false,
    listed: body.store === true,
    previous,
    echo: echoOf(body),
    conversation:
      conversation === null || conversation === undefined ? undefined : typeof conversation === 'string' ? conversation : conversation.id,
  };
};
