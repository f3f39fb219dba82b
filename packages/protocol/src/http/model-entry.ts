import { Type, type Static } from 'typebox';
import { ModelInfo, PriceSchema } from './public.ts';

// One entry of MODELS. Only the AI service talks to providers; gateways read the same list for what a model can.

const Milliseconds = Type.Integer({ minimum: 1 });
const EnvName = Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' });
const HeaderName = '^[A-Za-z0-9-]{1,100}$';
const named = (description: string) => ({ additionalProperties: false, description });

/** What a model can, as people and gateways are told it: absent is no. */
const abilities = {
  vision: Type.Optional(Type.Boolean({ description: 'It can look at pictures; false when absent' })),
  tools: Type.Optional(Type.Boolean({ description: 'It can call tools; false when absent' })),
  reasoning: Type.Optional(Type.Boolean({ description: 'It thinks before it answers; false when absent' })),
  contextTokens: Type.Optional(
    Type.Integer({
      minimum: 256,
      description: 'Tokens of prompt and answer together. A longer conversation is cut to fit; unset: nothing is cut here',
    }),
  ),
  price: Type.Optional(PriceSchema),
};

/** People with one of these may see a model and ask it. */
export const ModelAccess = Type.Object(
  {
    groups: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Groups of the identity provider (`GROUPS_CLAIM`)' })),
    scopes: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Scopes of an access token' })),
  },
  { additionalProperties: false, description: 'Who may see it and ask it: people with one of these; everybody when absent' },
);
export type ModelAccess = Static<typeof ModelAccess>;

/** Whether everybody who may ask the one may ask the other, too: only then may the other answer in its place. Pure. */
export const isForAllOf = (asked: ModelAccess | undefined, other: ModelAccess | undefined): boolean => {
  if (other === undefined) return true;
  if (asked === undefined) return false;
  const covers = (theirs: readonly string[] = [], own: readonly string[] = []): boolean => theirs.every((word) => own.includes(word));
  return covers(asked.groups, other.groups) && covers(asked.scopes, other.scopes);
};

/** What pods tell gateways of a model; people are not told who else may use it. */
export const PodModel = Type.Object({ ...ModelInfo.properties, access: Type.Optional(ModelAccess) });
export type PodModel = Static<typeof PodModel>;
export const PodModelList = Type.Object({ models: Type.Array(PodModel) });

const BaseURL = { pattern: '^https?://' };

/** One of several places where the same model is served. */
export const ModelEndpoint = Type.Object(
  {
    baseURL: Type.String({ ...BaseURL, description: 'Where the API is, up to its version' }),
    weight: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1000, description: 'Its share of the requests; 1 when absent, 0: it is asked no more' }),
    ),
    model: Type.Optional(Type.String({ minLength: 1, description: 'The name there; that of the entry when absent' })),
    apiKeyEnv: Type.Optional(
      Type.String({ ...EnvName, description: 'Name of the variable that holds its key; that of the entry when absent' }),
    ),
    apiKeyFile: Type.Optional(Type.String({ minLength: 1, description: 'Path of a file that holds its key instead' })),
  },
  { additionalProperties: false },
);
export type ModelEndpoint = Static<typeof ModelEndpoint>;

const connection = {
  baseURL: Type.Optional(
    Type.String({ ...BaseURL, description: 'Where the API is, up to its version, e.g. `https://llm.example.org/v1`' }),
  ),
  endpoints: Type.Optional(
    Type.Array(ModelEndpoint, {
      minItems: 1,
      maxItems: 16,
      description: 'Several places that serve it alike, instead of `baseURL`: asked by weight, and one that fails rests',
    }),
  ),
  apiKeyEnv: Type.Optional(Type.String({ ...EnvName, description: 'Name of the environment variable that holds the key' })),
  apiKeyFile: Type.Optional(
    Type.String({ minLength: 1, description: 'Path of a file that holds the key instead, read for each request: it may change' }),
  ),
  headers: Type.Optional(
    Type.Record(Type.String({ pattern: HeaderName }), Type.String(), named('Headers that are sent as they stand here; no secrets')),
  ),
  headersEnv: Type.Optional(
    Type.Record(
      Type.String({ pattern: HeaderName }),
      EnvName,
      named('Headers by the environment variable that holds each, e.g. `{"api-key": "AZURE_KEY"}`'),
    ),
  ),
  headersFile: Type.Optional(
    Type.Record(
      Type.String({ pattern: HeaderName }),
      Type.String({ minLength: 1 }),
      named('Headers by the path of a file that holds each, read for each request: it may change'),
    ),
  ),
  query: Type.Optional(
    Type.Record(Type.String({ minLength: 1 }), Type.String(), named('Added to the address, e.g. `{"api-version": "2026-01-01"}`')),
  ),
  proxy: Type.Optional(Type.String({ pattern: '^https?://', description: 'HTTP proxy to the provider, without a password' })),
  proxyEnv: Type.Optional(
    Type.String({ ...EnvName, description: 'Name of the environment variable that holds the address of that proxy, e.g. `HTTPS_PROXY`' }),
  ),
  body: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'Added to each request, over what this list would send; not `messages`, `model`, `system` and `stream`',
    }),
  ),
  continueBody: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'Added to the request when an answer is continued (openai-compatible)' }),
  ),
};

const sampling = {
  temperature: Type.Optional(Type.Number({ minimum: 0, description: 'Sent as `temperature`' })),
  topP: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'Sent as `top_p`' })),
  frequencyPenalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2, description: 'Sent as `frequency_penalty` (openai-compatible)' })),
  presencePenalty: Type.Optional(Type.Number({ minimum: -2, maximum: 2, description: 'Sent as `presence_penalty` (openai-compatible)' })),
  seed: Type.Optional(Type.Integer({ description: 'Sent as `seed` (openai-compatible)' })),
  stop: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 4, description: 'The answer ends before each of these' }),
  ),
  maxOutputTokens: Type.Optional(
    Type.Integer({ minimum: 1, description: 'Tokens of one answer; one that is cut there ends with finish `length`' }),
  ),
  maxTokensField: Type.Optional(
    Type.Enum(['max_tokens', 'max_completion_tokens'], {
      description:
        'What an openai-compatible server calls `maxOutputTokens`: `max_tokens` when absent; OpenAI’s reasoning models want the other',
    }),
  ),
};

export const ModelEntry = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$', description: 'What a prompt names' }),
    provider: Type.Enum(['demo', 'count', 'openai-compatible', 'anthropic', 'local'], { description: 'Which adapter speaks to it' }),
    name: Type.Optional(Type.String({ minLength: 1, description: 'What people see; the id when absent' })),
    model: Type.Optional(
      Type.String({ minLength: 1, description: 'The name at the provider, or the GGUF file of a local model; the id when absent' }),
    ),
    suspended: Type.Optional(
      Type.Boolean({ description: 'Nobody can pick it any more; answers that were asked for before are still written' }),
    ),
    default: Type.Optional(Type.Boolean({ description: 'Answers prompts that name no model; else the first entry does' })),
    maxConcurrentRuns: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Answers of it at a time, over all AI pods; more wait in line. As many as there is room for when absent',
      }),
    ),
    fallback: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        maxItems: 8,
        uniqueItems: true,
        description:
          'Ids of models that answer in its place, in this order, while nothing of an answer has come: refused, no room, key or quota gone, resting, too slow to begin',
      }),
    ),
    ...abilities,
    access: Type.Optional(ModelAccess),
    system: Type.Optional(Type.String({ description: 'Goes first to the model, before what a conversation says itself' })),
    ...connection,
    canContinue: Type.Optional(
      Type.Boolean({ description: 'Goes on behind a prefilled assistant turn; false when absent for remote providers' }),
    ),
    ...sampling,
    timeouts: Type.Optional(
      Type.Object(
        {
          firstTokenMs: Type.Optional(Type.Integer({ ...Milliseconds, description: 'Until the first sign of life; 30,000 when absent' })),
          betweenTokensMs: Type.Optional(Type.Integer({ ...Milliseconds, description: 'Between two of them; 30,000 when absent' })),
          totalMs: Type.Optional(
            Type.Integer({ ...Milliseconds, description: 'Of all waits for the model together; 600,000 when absent' }),
          ),
        },
        named('Milliseconds that an answer waits for the model'),
      ),
    ),
  },
  { additionalProperties: false },
);
export type ModelEntry = Static<typeof ModelEntry>;

export const ModelEntries = Type.Array(ModelEntry, { minItems: 1 });
