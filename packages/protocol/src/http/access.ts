import { Type, type Static } from 'typebox';

// Keys for programs and sessions of browsers: what gateways keep in the store about them, and what they answer.

const Time = { description: 'ms since the epoch' };
const TimeOrNull = (description: string) => Type.Union([Type.Integer(Time), Type.Null()], { description });

export const KEY_SCOPES = ['chat', 'read'] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];
const Scopes = Type.Array(Type.Enum(KEY_SCOPES), {
  minItems: 1,
  maxItems: KEY_SCOPES.length,
  uniqueItems: true,
  description: 'chat: everything its person may do but administer; read: nothing is changed',
});

/** Letters, digits and signs of any script; no control characters, which lists would show as nothing. */
const KeyName = Type.String({ minLength: 1, maxLength: 80, pattern: '^[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$' });

/** Body of `POST /api/keys`. */
export const NewApiKey = Type.Object({
  name: KeyName,
  expiresAt: Type.Optional(Type.Integer({ ...Time, minimum: 0 })),
  scopes: Scopes,
});
export type NewApiKey = Static<typeof NewApiKey>;

/** What the store keeps of a key besides its digest and times. */
export const ApiKeyData = Type.Object({ name: Type.String(), prefix: Type.String(), scopes: Type.Array(Type.String()) });
export type ApiKeyData = Static<typeof ApiKeyData>;

export const ApiKey = Type.Object({
  id: Type.String(),
  name: Type.String(),
  prefix: Type.String({ description: 'The first characters, to recognise it by' }),
  scopes: Type.Array(Type.String()),
  createdAt: Type.Integer(Time),
  usedAt: TimeOrNull('Last use, to the minute; null: never'),
  expiresAt: TimeOrNull('null: it lasts until it is ended'),
});
export type ApiKey = Static<typeof ApiKey>;
export const ApiKeyList = Type.Object({ keys: Type.Array(ApiKey, { description: 'Oldest first' }), limit: Type.Integer() });
export type ApiKeyList = Static<typeof ApiKeyList>;
export const ApiKeyMade = Type.Object({
  ...ApiKey.properties,
  key: Type.String({ description: 'Shown this once: only its digest is kept' }),
});
export type ApiKeyMade = Static<typeof ApiKeyMade>;
