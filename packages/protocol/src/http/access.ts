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

/** What the store keeps of a session besides its digest and times. Roles and groups are as the provider last said. */
export const SessionData = Type.Object({
  role: Type.String(),
  groups: Type.Array(Type.String()),
  /** The `user-agent` of the browser that signed in. */
  device: Type.String(),
  /** The provider's name of its own session. */
  sid: Type.Optional(Type.String()),
  /** The provider's tokens, sealed with the session's secret. */
  tokens: Type.String(),
  /** When the provider is asked again, ms; null: never. */
  renewAt: Type.Union([Type.Number(), Type.Null()]),
  /** A gateway asks just now, until then. */
  renewing: Type.Optional(Type.Number()),
});
export type SessionData = Static<typeof SessionData>;

/** A key, a session or a provider's name of one, as `npm start` keeps it on disk: its digest, never itself. */
export const KeptGrant = Type.Object({
  userId: Type.String(),
  grantId: Type.String(),
  kind: Type.Enum(['key', 'session', 'sid']),
  digest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  data: Type.String(),
  createdAt: Type.Number(),
  usedAt: Type.Number(),
  expiresAt: Type.Union([Type.Number(), Type.Null()]),
  idleMs: Type.Number(),
});
export type KeptGrant = Static<typeof KeptGrant>;
export const KeptGrantList = Type.Array(KeptGrant);

export const SessionInfo = Type.Object({
  id: Type.String(),
  device: Type.String({ description: 'The `user-agent` of the browser' }),
  role: Type.String(),
  current: Type.Boolean({ description: 'The one that asks' }),
  createdAt: Type.Integer(Time),
  usedAt: Type.Integer({ description: 'To the minute, ms since the epoch' }),
  expiresAt: TimeOrNull('It ends then at the latest'),
});
export type SessionInfo = Static<typeof SessionInfo>;
export const SessionList = Type.Object({ sessions: Type.Array(SessionInfo, { description: 'Oldest first' }) });
export type SessionList = Static<typeof SessionList>;
