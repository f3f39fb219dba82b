import { Type, type Static } from 'typebox';
import { ModelEndpoint, ModelEntry } from '@runnel/protocol/http';
import { Conditions, only, rules, type CustomObject } from './shared.ts';

/**
 * How it is reached and who holds its secrets is said otherwise here: names of environment variables and paths of AI pods would let whoever may
 * create a model send what stands there to an address of theirs.
 */
const OTHERWISE = [
  ...(['id', 'apiKeyEnv', 'apiKeyFile', 'headersEnv', 'headersFile', 'proxyEnv', 'endpoints'] as const),
  ...(['access', 'fallback', 'maxConcurrentRuns'] as const),
];
type Otherwise = (typeof OTHERWISE)[number];
const asInEntries = Object.fromEntries(
  Object.entries(ModelEntry.properties).filter(([name]) => !(OTHERWISE as readonly string[]).includes(name)),
) as Omit<typeof ModelEntry.properties, Otherwise>;

const NAME = { minLength: 1, maxLength: 253 };
/** As Kubernetes names objects. It becomes part of a path of its API, and must not lead elsewhere. */
export const SECRET_NAME = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$';
const Words = (description: string) =>
  Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 64, description }));

const SecretKeyRef = only(
  {
    name: Type.String({
      ...NAME,
      pattern: SECRET_NAME,
      description: 'A Secret of this namespace that consents: label runnel.dev/model-keys=true',
    }),
    key: Type.String({ ...NAME, pattern: '^[-._a-zA-Z0-9]+$', description: 'Which of its keys' }),
  },
  { description: 'Where the value stands' },
);
export type SecretKeyRef = Static<typeof SecretKeyRef>;
const FromSecret = (description: string) => only({ secretKeyRef: SecretKeyRef }, { description });

const { apiKeyEnv: _env, apiKeyFile: _file, ...endpointAsInEntries } = ModelEndpoint.properties;
const REMOTE = `self.provider in ['openai-compatible', 'anthropic']`;

export const ChatModelSpec = only(
  {
    id: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$',
        maxLength: 64,
        description: 'What a prompt names, and what answers are kept under; the name of the object when absent. It cannot be changed',
      }),
    ),
    ...asInEntries,
    apiKey: Type.Optional(FromSecret('The key that the provider wants. It may change: AI pods read it for each request')),
    headersFrom: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }), FromSecret('One header'), {
        maxProperties: 16,
        description: 'Headers whose values are secrets, e.g. api-key. They may change: AI pods read them for each request',
      }),
    ),
    endpoints: Type.Optional(
      Type.Array(
        only(
          { ...endpointAsInEntries, apiKey: Type.Optional(FromSecret('Its own key; that of the model when absent')) },
          { description: 'One of them' },
        ),
        {
          ...{ minItems: 1, maxItems: 16 },
          description: 'Several places that serve it alike, instead of baseURL: asked by weight, and one that fails rests',
        },
      ),
    ),
    fallback: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
        maxItems: 8,
        description: 'Ids of models that are asked instead, in this order, when this one refuses before its first word',
      }),
    ),
    maxConcurrentRuns: Type.Optional(Type.Integer({ minimum: 1, description: 'Answers of it at the same time, over all pods' })),
    access: Type.Optional(
      only(
        { groups: Words('Groups of the identity provider'), scopes: Words('Scopes of an access token') },
        {
          description: 'Who may see it and ask it: people with one of these. Absent: everybody',
          ...rules(['has(self.groups) || has(self.scopes)', 'groups or scopes: without either nobody could ask it']),
        },
      ),
    ),
  },
  {
    description: 'A model that people can pick',
    ...rules(
      [
        `self.provider != 'openai-compatible' || has(self.baseURL) || has(self.endpoints)`,
        'baseURL is missing: openai-compatible needs it, or endpoints',
      ],
      ['!(has(self.baseURL) && has(self.endpoints))', 'endpoints and baseURL are both set: one of them says where it is'],
      [
        '!has(self.endpoints) || self.endpoints.exists(e, !has(e.weight) || e.weight > 0)',
        'endpoints: all have the weight 0, so none would be asked',
      ],
      [
        `self.provider != 'anthropic' || has(self.apiKey) || (has(self.endpoints) && self.endpoints.all(e, has(e.apiKey)))`,
        'apiKey is missing: anthropic needs it',
      ],
      [`!has(self.endpoints) || ${REMOTE}`, 'endpoints applies to openai-compatible and anthropic only'],
      [`!has(self.headersFrom) || ${REMOTE}`, 'headersFrom applies to openai-compatible and anthropic only'],
      [`self.provider != 'local' || has(self.model)`, 'model is missing: local needs the path of a GGUF file in the AI pods'],
      [`!has(self.apiKey) || ${REMOTE}`, 'apiKey applies to openai-compatible and anthropic only'],
      [`!has(self.proxy) || ${REMOTE}`, 'proxy applies to openai-compatible and anthropic only'],
      [`!has(self.headers) || ${REMOTE}`, 'headers applies to openai-compatible and anthropic only'],
      [`!has(self.query) || ${REMOTE}`, 'query applies to openai-compatible and anthropic only'],
      [`!has(self.topP) || ${REMOTE}`, 'topP applies to openai-compatible and anthropic only'],
      [`!has(self.stop) || ${REMOTE}`, 'stop applies to openai-compatible and anthropic only'],
      [
        `self.provider == 'openai-compatible' || !(has(self.frequencyPenalty) || has(self.presencePenalty) || has(self.seed) || has(self.maxTokensField))`,
        'frequencyPenalty, presencePenalty, seed and maxTokensField apply to openai-compatible only',
      ],
      ['has(self.id) == has(oldSelf.id) && (!has(self.id) || self.id == oldSelf.id)', 'id cannot be changed: answers are kept under it'],
    ),
  },
);
export type ChatModelSpec = Static<typeof ChatModelSpec>;

export const ChatModelStatus = Type.Object({
  observedGeneration: Type.Optional(Type.Integer({ description: 'Which state of the spec this is about' })),
  id: Type.Optional(Type.String({ description: 'What a prompt names' })),
  pods: Type.Optional(Type.String({ description: 'AI pods that have it as the spec says, of all that answer: 3/3' })),
  running: Type.Optional(Type.Integer({ description: 'Answers that it writes now' })),
  firstTextP95: Type.Optional(Type.String({ description: 'Until the first text, in 95 of 100 answers of the last minutes: 0.8s' })),
  failing: Type.Optional(Type.String({ description: 'Answers that failed, of those that ended in the last minutes: 0/17' })),
  endpoints: Type.Optional(Type.String({ description: 'Endpoints that no pod lets rest, of all: 2/3' })),
  lastFailure: Type.Optional(
    Type.Object(
      { code: Type.String({ description: 'A word of docs/codes.md' }), at: Type.String({ format: 'date-time' }) },
      { description: 'The newest one that a pod remembers' },
    ),
  ),
  conditions: Type.Optional(Conditions),
});
export type ChatModelStatus = Static<typeof ChatModelStatus>;
export type ChatModel = CustomObject<ChatModelSpec, ChatModelStatus>;

/** Rules that need the name of the object. */
export const chatModelRules = rules([
  'has(self.spec.id) || size(self.metadata.name) <= 64',
  'the name is longer than an id may be: set spec.id',
]);
