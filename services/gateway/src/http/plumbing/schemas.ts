import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Type, type TSchema } from 'typebox';
import { ERRORS, ID_PATTERN, type ErrorCode } from '@runnel/protocol';

// Schemas that several routes share. Requests are checked against theirs; those of answers are only documentation.

/** A server whose routes get their types from TypeBox schemas. */
export type Routes = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

export const Id = Type.String({ pattern: ID_PATTERN, description: '1–64 of A–Z a–z 0–9 _ -' });

/** `?user_id=` names the user where `AUTH_MODE=dev`; elsewhere it is ignored. */
export const UserQuery = { user_id: Type.Optional(Type.String({ description: 'AUTH_MODE=dev only: who calls' })) };

export const ConversationParams = Type.Object({ id: Id });

const Codes = Type.Enum(Object.keys(ERRORS) as ErrorCode[]);

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:runnel:error:<code>' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Codes,
    message: Type.String({ description: 'For people; programs read `code`' }),
    retryable: Type.Boolean(),
    retryAfterMs: Type.Optional(Type.Integer()),
    limit: Type.Optional(Type.String({ description: '`rate-limited`: which budget is used up' })),
    runId: Type.Optional(Type.String({ description: 'busy: the run that is in the way' })),
  },
  { description: 'RFC 9457' },
);

/** The `default` response of every route under /api. */
export const PROBLEMS = {
  default: { description: 'Any error', content: { 'application/problem+json': { schema: Problem } } },
};

export const OpenAiError = Type.Object({
  error: Type.Object({
    message: Type.String(),
    type: Type.String(),
    param: Type.Union([Type.String(), Type.Null()]),
    code: Type.Union([Type.String(), Type.Null()]),
  }),
});

/** The `default` response of every route under /v1. */
export const OPENAI_ERRORS = {
  default: { description: 'Any error, in OpenAI’s shape', content: { 'application/json': { schema: OpenAiError } } },
};

/** Typed: what a handler returns has to fit, though nobody checks it again while it runs. */
export const json = <T extends TSchema>(description: string, schema: T) => ({ description, content: { 'application/json': { schema } } });

export const pageLimit = (fallback: number, maximum: number) => Type.Optional(Type.Integer({ minimum: 1, maximum, default: fallback }));
