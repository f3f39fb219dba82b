import { Type, type Static } from 'typebox';

const Milliseconds = Type.Integer({ minimum: 1 });

/** One entry of MODELS. */
export const ModelEntry = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$', description: 'What a prompt names' }),
    provider: Type.Enum(['demo', 'count', 'openai-compatible', 'anthropic', 'local'], { description: 'Which adapter speaks to it' }),
    name: Type.Optional(Type.String({ minLength: 1, description: 'What people see; the id when absent' })),
    model: Type.Optional(
      Type.String({ minLength: 1, description: 'The name at the provider, or the GGUF file of a local model; the id when absent' }),
    ),
    baseURL: Type.Optional(Type.String({ pattern: '^https?://', description: 'Needed for openai-compatible' })),
    apiKeyEnv: Type.Optional(Type.String({ minLength: 1, description: 'Name of the environment variable that holds the key' })),
    canContinue: Type.Optional(
      Type.Boolean({ description: 'Goes on behind a prefilled assistant turn; false when absent for remote providers' }),
    ),
    continueBody: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Added to the request when an answer is continued (openai-compatible)' }),
    ),
    system: Type.Optional(Type.String({ description: 'System prompt' })),
    temperature: Type.Optional(Type.Number({ minimum: 0 })),
    maxOutputTokens: Type.Optional(Type.Integer({ minimum: 1 })),
    timeouts: Type.Optional(
      Type.Object(
        { firstTokenMs: Type.Optional(Milliseconds), betweenTokensMs: Type.Optional(Milliseconds), totalMs: Type.Optional(Milliseconds) },
        { additionalProperties: false },
      ),
    ),
    default: Type.Optional(Type.Boolean({ description: 'Answers prompts that name no model; else the first entry does' })),
  },
  { additionalProperties: false },
);
export type ModelEntry = Static<typeof ModelEntry>;

export const ModelEntries = Type.Array(ModelEntry, { minItems: 1 });

export const DEFAULT_MODELS: ModelEntry[] = [
  { id: 'demo', provider: 'demo', name: 'Runnel demo' },
  { id: 'count', provider: 'count', name: 'Counting words' },
];

/** What one entry cannot say about itself or its neighbours by schema; one line each. */
export const modelProblems = (entries: readonly ModelEntry[], env: Readonly<Record<string, string | undefined>>): string[] => {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { id, provider, baseURL, apiKeyEnv, model } of entries) {
    if (seen.has(id)) problems.push(`two models are named ${id}`);
    seen.add(id);
    if (provider === 'openai-compatible' && baseURL === undefined) problems.push(`${id} needs a baseURL`);
    if (provider === 'anthropic' && apiKeyEnv === undefined) problems.push(`${id} needs apiKeyEnv`);
    if (provider === 'local' && model === undefined) problems.push(`${id} needs model, the path of a GGUF file`);
    if (apiKeyEnv !== undefined && !env[apiKeyEnv]) problems.push(`${id} wants its key in ${apiKeyEnv}, which is not set`);
  }
  if (entries.filter((entry) => entry.default).length > 1) problems.push('more than one is the default');
  return problems;
};
