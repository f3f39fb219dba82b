import { Type, type Static, type TSchema } from 'typebox';
import { MODEL_PARAMS, MODEL_PARAM_NAMES, type ModelParam } from '@runnel/protocol/http';
import type { Fate } from '../openai/check-body.ts';

const Maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
/** Said all the same by clients, and then harmless: `null`, `false`, `[]`, `{}`. */
const Nothing = (why: string) => Type.Optional(Type.Unknown({ description: why }));

/**
 * What an answer has beside its words, here and at other servers of this dialect. Clients bring it back with the answer as a matter of course;
 * no model reads it again.
 */
export const OF_ANSWERS = ['annotations', 'reasoning', 'reasoning_content', 'reasoning_details', 'provider_specific_fields'] as const;

const Message = Type.Object(
  {
    role: Type.Enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
    content: Type.Optional(Type.Union([Type.String(), Type.Array(Type.Object({ type: Type.String() })), Type.Null()])),
    name: Type.Optional(Type.String({ maxLength: 128 })),
    refusal: Maybe(Type.String()),
    tool_calls: Maybe(
      Type.Array(
        Type.Object({
          id: Type.String({ minLength: 1, maxLength: 256 }),
          type: Type.Optional(Type.String()),
          function: Type.Object({ name: Type.String(), arguments: Type.String() }),
        }),
      ),
    ),
    tool_call_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    audio: Nothing('refused'),
    function_call: Nothing('refused'),
    ...Object.fromEntries(OF_ANSWERS.map((name) => [name, Nothing('of an answer that comes back: passed over')])),
  },
  { additionalProperties: false },
);
export type CallerMessage = Static<typeof Message> & Partial<Record<(typeof OF_ANSWERS)[number], unknown>>;

/** What this server does itself. */
const APPLIED = {
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  messages: Type.Array(Message, { minItems: 1, maxItems: 4_096 }),
  stream: Maybe(Type.Boolean()),
  stream_options: Maybe(
    Type.Object(
      { include_usage: Type.Optional(Type.Boolean()), include_obfuscation: Type.Optional(Type.Boolean()) },
      { additionalProperties: false },
    ),
  ),
  n: Maybe(Type.Integer({ minimum: 1, maximum: 128 })),
  store: Maybe(Type.Boolean()),
  modalities: Maybe(Type.Array(Type.String())),
} as const;

/** Why what is refused is refused. */
export const REFUSED = {
  audio: 'answers are text',
  functions: 'use `tools`',
  function_call: 'use `tool_choice`',
  logprobs: 'the log keeps the text of an answer, not what else might have been said',
  top_logprobs: 'see `logprobs`',
  metadata: 'nothing keeps it',
  moderation: 'not done here',
  prompt_cache_options: 'see `prompt_cache_key`',
  web_search_options: 'this server searches nothing for a caller',
} as const;
export type Refused = keyof typeof REFUSED;

export const CompletionBody = Type.Object(
  { ...APPLIED, ...MODEL_PARAMS, ...Object.fromEntries(Object.entries(REFUSED).map(([name, why]) => [name, Nothing(why)])) },
  { additionalProperties: false },
);
export type CompletionBody = Static<typeof CompletionBody> & Partial<Record<Refused, unknown>>;

const NOTES: Record<keyof typeof APPLIED, string> & Partial<Record<ModelParam, string>> = {
  model: 'absent: the default of this server',
  messages: 'in their order; the last one is the prompt, those before it the beginning of a new conversation',
  stream: 'chunks as they come, or the whole',
  stream_options:
    '`include_usage`: `true` a last chunk with the usage, `false` none, absent with the `finish_reason`; `include_obfuscation` only `false`',
  n: 'only 1',
  store: '`true`: the conversation is in the person’s list',
  modalities: 'only `["text"]`',
  max_tokens: 'not above `maxOutputTokens` of the model’s entry',
  max_completion_tokens: 'as `max_tokens`',
  tools: 'functions only; the model’s calls end the answer with `tool_calls`',
};

/** Every parameter, with what becomes of it: the source of the table in docs/wires. */
export const PARAMETERS: readonly { name: string; fate: Fate; note: string }[] = [
  ...Object.keys(APPLIED).map((name) => ({ name, fate: 'applied' as const, note: NOTES[name as keyof typeof APPLIED] })),
  ...MODEL_PARAM_NAMES.map((name) => ({ name, fate: 'passed' as const, note: NOTES[name] ?? '' })),
  ...Object.entries(REFUSED).map(([name, note]) => ({ name, fate: 'refused' as const, note })),
].toSorted((a, b) => (a.name < b.name ? -1 : 1));
