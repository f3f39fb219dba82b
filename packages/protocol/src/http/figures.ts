import { Type, type Static } from 'typebox';
import { sha256 } from '../sha256.ts';
import type { ModelEntry } from './model-entry.ts';

// What pods tell the operator of themselves, at `GET /figures` behind the inner door.

const Count = Type.Integer({ minimum: 0 });

/** One of several places that serve a model, as one AI pod knows it. */
export const EndpointStanding = Type.Object({
  name: Type.String(),
  resting: Type.Boolean({ description: 'It failed again and again, and is not asked for a while' }),
});
export type EndpointStanding = Static<typeof EndpointStanding>;

/** One model in one AI pod. Counts are of the last minutes. */
export const ModelFigures = Type.Object({
  hash: Type.String({ description: '`hashOfEntry` of what it was made from' }),
  running: Count,
  ok: Count,
  failed: Count,
  firstTextP95Ms: Type.Union([Type.Number(), Type.Null()]),
  lastFailure: Type.Optional(Type.Object({ code: Type.String(), at: Type.Integer({ description: 'ms since the epoch' }) })),
  endpoints: Type.Optional(Type.Array(EndpointStanding)),
});
export type ModelFigures = Static<typeof ModelFigures>;

export const AiFigures = Type.Object({
  runs: Count,
  /** Since the pod started. */
  ended: Type.Object({ ok: Count, failed: Count }),
  models: Type.Record(Type.String(), ModelFigures),
  /** What is wrong with the file of models, while older ones are kept. */
  problems: Type.Array(Type.String()),
});
export type AiFigures = Static<typeof AiFigures>;

export const GatewayFigures = Type.Object({ sockets: Count });
export type GatewayFigures = Static<typeof GatewayFigures>;

/** Tells two states of an entry apart; both sides have it of the same text, so its fields have one order. Pure. */
export const hashOfEntry = (entry: ModelEntry): string =>
  [...sha256(new TextEncoder().encode(JSON.stringify(entry))).subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
