import type { ResponseBody } from './params.ts';

/**
 * What a response says of its request: each field that the Responses API (and Open Responses) requires of one. What was not asked for is
 * OpenAI's default, also where the request is no longer known; what this server refuses can have no other value.
 */
export const DEFAULTS = {
  background: false,
  frequency_penalty: 0,
  instructions: null as string | null,
  max_output_tokens: null as number | null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  presence_penalty: 0,
  prompt_cache_key: null as string | null,
  reasoning: { effort: null as string | null, summary: null },
  safety_identifier: null as string | null,
  service_tier: 'default',
  temperature: 1,
  text: { format: { type: 'text' } as object } as object,
  tool_choice: 'auto' as string | object,
  tools: [] as object[],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null as string | null,
};
export type Echo = typeof DEFAULTS;

const NAMES = [
  ...['background', 'instructions', 'max_output_tokens', 'parallel_tool_calls', 'prompt_cache_key', 'safety_identifier'],
  ...['service_tier', 'temperature', 'tool_choice', 'top_p', 'user'],
] as const;

/** A request as its response repeats it. Pure. */
export const echoOf = (body: ResponseBody): Echo => {
  const asked = body as Record<string, unknown>;
  const same = NAMES.filter((name) => asked[name] !== undefined && asked[name] !== null).map((name) => [name, asked[name]]);
  const { tools, text, reasoning } = body;
  return {
    ...DEFAULTS,
    ...(Object.fromEntries(same) as Partial<Echo>),
    ...(tools && { tools: tools.map((tool) => ({ description: null, parameters: null, strict: null, ...tool })) }),
    ...(text && { text: { ...DEFAULTS.text, ...text } }),
    ...(reasoning?.effort && { reasoning: { ...DEFAULTS.reasoning, effort: reasoning.effort } }),
  };
};
