import { Type, type Static, type TSchema } from 'typebox';
import type { Part } from '../parts.ts';
import { PartSchema } from './public.ts';

// What a caller of an API asks of a model beside the thread. A gateway writes it with the run, the pod that claims the run reads it.

const OrNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Maybe = <T extends TSchema>(schema: T) => Type.Optional(OrNull(schema));

/** Functions of the caller's own: the model may ask for them, and nobody here carries them out. */
export const FunctionTool = Type.Object(
  {
    type: Type.Literal('function'),
    function: Type.Object(
      {
        name: Type.String({ minLength: 1, maxLength: 128 }),
        description: Maybe(Type.String()),
        parameters: Maybe(Type.Record(Type.String(), Type.Unknown())),
        strict: Maybe(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
export type FunctionTool = Static<typeof FunctionTool>;

const ToolChoice = Type.Union([
  Type.Enum(['none', 'auto', 'required']),
  Type.Object({ type: Type.Literal('function'), function: Type.Object({ name: Type.String({ minLength: 1 }) }) }),
]);

const ResponseFormat = Type.Union([
  Type.Object({ type: Type.Enum(['text', 'json_object']) }),
  Type.Object({
    type: Type.Literal('json_schema'),
    json_schema: Type.Object({
      name: Type.String({ minLength: 1, maxLength: 64 }),
      description: Maybe(Type.String()),
      schema: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
      strict: Maybe(Type.Boolean()),
    }),
  }),
]);

const Tokens = Type.Integer({ minimum: 1 });
const Penalty = Type.Number({ minimum: -2, maximum: 2 });

/** Parameters of a model, by the names of OpenAI's chat completions. A model says which of them it takes (`ModelInfo.accepts`). */
export const MODEL_PARAMS = {
  max_tokens: Maybe(Tokens),
  max_completion_tokens: Maybe(Tokens),
  temperature: Maybe(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Maybe(Type.Number({ minimum: 0, maximum: 1 })),
  stop: Maybe(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })])),
  seed: Maybe(Type.Integer()),
  presence_penalty: Maybe(Penalty),
  frequency_penalty: Maybe(Penalty),
  logit_bias: Maybe(Type.Record(Type.String(), Type.Number({ minimum: -100, maximum: 100 }))),
  reasoning_effort: Maybe(Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
  verbosity: Maybe(Type.Enum(['low', 'medium', 'high'])),
  response_format: Maybe(ResponseFormat),
  tools: Maybe(Type.Array(FunctionTool, { maxItems: 128 })),
  tool_choice: Maybe(ToolChoice),
  parallel_tool_calls: Maybe(Type.Boolean()),
  prediction: Maybe(Type.Object({ type: Type.Literal('content'), content: Type.Unknown() })),
  service_tier: Maybe(Type.String({ maxLength: 64 })),
  user: Maybe(Type.String({ maxLength: 512 })),
  safety_identifier: Maybe(Type.String({ maxLength: 512 })),
  prompt_cache_key: Maybe(Type.String({ maxLength: 512 })),
  prompt_cache_retention: Maybe(Type.Enum(['in_memory', 'in-memory', '24h'])),
} as const;
export type ModelParam = keyof typeof MODEL_PARAMS;
export const MODEL_PARAM_NAMES = Object.keys(MODEL_PARAMS) as ModelParam[];

const Params = Type.Object(MODEL_PARAMS, { additionalProperties: false });
export type ModelParams = Static<typeof Params>;

/**
 * What a model may take beside parameters: parts of messages, files that a turn names, the caller's results of tools, an answer that was
 * begun. `image_url` and `file` are what gateways of 0.1.0 passed on; now files are kept, and a turn names them.
 */
export const MODEL_INPUTS = ['image_url', 'file', 'turn_files', 'input_audio', 'tool_results', 'prefill'] as const;
export type ModelInput = (typeof MODEL_INPUTS)[number];

/** A message as OpenAI's chat completions write it, already checked by the gateway. */
export const Turn = Type.Object({
  role: Type.Enum(['system', 'user', 'assistant', 'tool']),
  content: Maybe(Type.Union([Type.String(), Type.Array(Type.Record(Type.String(), Type.Unknown()))])),
  name: Type.Optional(Type.String()),
  refusal: Maybe(Type.String()),
  tool_calls: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String(),
        type: Type.Literal('function'),
        function: Type.Object({ name: Type.String(), arguments: Type.String() }),
      }),
    ),
  ),
  tool_call_id: Type.Optional(Type.String()),
  /** Files that came with it, as parts; they stand before its text. */
  files: Type.Optional(Type.Unsafe<readonly Part[]>(Type.Array(PartSchema))),
});
export type Turn = Static<typeof Turn>;

/**
 * The thread as the caller wrote it, where messages of text alone cannot say it: files, results of tools, an order of their own. `first` is the
 * first message that the command wrote: where the thread begins with another one, the conversation is older than this request, and of
 * `turns` only those from `last` on are meant.
 */
const Verbatim = Type.Object({
  first: Type.String(),
  turns: Type.Array(Turn),
  last: Type.Integer({ minimum: 0 }),
});

/** Kept with a run from its begin to its end, for whoever claims it. */
export const ModelRequest = Type.Object({
  params: Type.Optional(Params),
  /** System text for this run alone, before the thread. */
  instructions: Type.Optional(Type.String()),
  thread: Type.Optional(Verbatim),
  /** How closely to look at pictures, by their files. */
  details: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export type ModelRequest = Static<typeof ModelRequest>;
