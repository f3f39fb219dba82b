import { Type, type Static, type TSchema } from 'typebox';
import { MODEL_PARAMS } from '@runnel/protocol/http';
import type { Fate } from '../openai/check-body.ts';

const Maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
/** Said all the same by clients, and then harmless: `null`, `false`, `[]`, `{}`. */
const Nothing = (why: string) => Type.Optional(Type.Unknown({ description: why }));

const FunctionTool = Type.Object(
  {
    type: Type.Literal('function'),
    name: Type.String({ minLength: 1, maxLength: 128 }),
    description: Maybe(Type.String()),
    parameters: Maybe(Type.Record(Type.String(), Type.Unknown())),
    strict: Maybe(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type FunctionTool = Static<typeof FunctionTool>;

const ToolChoice = Type.Union([
  Type.Enum(['none', 'auto', 'required']),
  Type.Object({ type: Type.Literal('function'), name: Type.String({ minLength: 1 }) }),
]);

const Format = Type.Union([
  Type.Object({ type: Type.Enum(['text', 'json_object']) }),
  Type.Object({
    type: Type.Literal('json_schema'),
    name: Type.String({ minLength: 1, maxLength: 64 }),
    description: Maybe(Type.String()),
    schema: Type.Record(Type.String(), Type.Unknown()),
    strict: Maybe(Type.Boolean()),
  }),
]);

/** Whatever is asked for: the model’s thoughts are told as they came. */
const Summary = Maybe(Type.Enum(['auto', 'concise', 'detailed']));

const Id = Type.String({ minLength: 1, maxLength: 200 });

/** What this server does itself. */
const APPLIED = {
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  input: Type.Optional(
    Type.Union([Type.String(), Type.Array(Type.Object({ type: Type.Optional(Type.String()) }), { minItems: 1, maxItems: 4_096 })]),
  ),
  instructions: Maybe(Type.String()),
  stream: Maybe(Type.Boolean()),
  stream_options: Maybe(Type.Object({ include_obfuscation: Type.Optional(Type.Boolean()) }, { additionalProperties: false })),
  background: Maybe(Type.Boolean()),
  store: Maybe(Type.Boolean()),
  previous_response_id: Maybe(Id),
  conversation: Maybe(Type.Union([Id, Type.Object({ id: Id })])),
  truncation: Maybe(Type.Enum(['auto', 'disabled'])),
  include: Maybe(Type.Array(Type.String())),
} as const;

/** What the model gets, under the names of this API. */
const PASSED = {
  max_output_tokens: MODEL_PARAMS.max_tokens,
  temperature: MODEL_PARAMS.temperature,
  top_p: MODEL_PARAMS.top_p,
  tools: Maybe(Type.Array(FunctionTool, { maxItems: 128 })),
  tool_choice: Maybe(ToolChoice),
  parallel_tool_calls: MODEL_PARAMS.parallel_tool_calls,
  text: Maybe(Type.Object({ format: Type.Optional(Format), verbosity: MODEL_PARAMS.verbosity }, { additionalProperties: false })),
  reasoning: Maybe(
    Type.Object({ effort: MODEL_PARAMS.reasoning_effort, summary: Summary, generate_summary: Summary }, { additionalProperties: false }),
  ),
  service_tier: MODEL_PARAMS.service_tier,
  user: MODEL_PARAMS.user,
  safety_identifier: MODEL_PARAMS.safety_identifier,
  prompt_cache_key: MODEL_PARAMS.prompt_cache_key,
  prompt_cache_retention: MODEL_PARAMS.prompt_cache_retention,
} as const;

export const REFUSED = {
  access_programs: 'not done here',
  context_management: 'not done here',
  image: 'answers are text',
  max_tool_calls: 'this server calls no tools for a caller',
  metadata: 'nothing keeps it',
  moderation: 'not done here',
  prompt: 'there are no prompts kept here',
  prompt_cache_options: 'see `prompt_cache_key`',
  top_logprobs: 'the log keeps the text of an answer, not what else might have been said',
} as const;
export type Refused = keyof typeof REFUSED;

export const ResponseBody = Type.Object(
  { ...APPLIED, ...PASSED, ...Object.fromEntries(Object.entries(REFUSED).map(([name, why]) => [name, Nothing(why)])) },
  { additionalProperties: false },
);
export type ResponseBody = Static<typeof ResponseBody> & Partial<Record<Refused, unknown>>;

const NOTES: Record<keyof typeof APPLIED, string> & Partial<Record<keyof typeof PASSED, string>> = {
  model: 'absent: the default of this server',
  input: 'text, or messages, calls of functions and their results',
  instructions: 'for this answer alone',
  stream: 'events as they come, or the whole',
  stream_options: '`include_obfuscation` only `false`',
  background: 'answered at once, while the model works',
  store: '`false`: not to be retrieved; `true`: also in the person’s list',
  previous_response_id: 'goes on behind that answer, also on a branch of its own',
  conversation: 'the conversation it belongs to; not with `previous_response_id`',
  truncation: 'only `disabled`',
  include: 'only `reasoning.encrypted_content`, which is `null`: thoughts are told as they came',
  tools: 'functions only',
  text: '`format` and `verbosity`',
  reasoning: '`effort`; with any `summary`, thoughts are told as they came',
};

/** Every parameter, with what becomes of it: the source of the table in docs/wires. */
export const PARAMETERS: readonly { name: string; fate: Fate; note: string }[] = [
  ...Object.keys(APPLIED).map((name) => ({ name, fate: 'applied' as const, note: NOTES[name as keyof typeof APPLIED] })),
  ...Object.keys(PASSED).map((name) => ({ name, fate: 'passed' as const, note: NOTES[name as keyof typeof PASSED] ?? '' })),
  ...Object.entries(REFUSED).map(([name, note]) => ({ name, fate: 'refused' as const, note })),
].toSorted((a, b) => (a.name < b.name ? -1 : 1));
