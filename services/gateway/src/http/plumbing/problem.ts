import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RunnelError, toRunnelError, type ErrorCode } from '@runnel/protocol';

/** RFC 9457. Beside its members the fields of an `error` frame, so that a client reads one object on every transport. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
  runId?: string;
}

/** An error with the HTTP status it is answered with: Fastify's own refusals have finer ones than our codes (415, 431). */
export interface HttpFailure {
  error: RunnelError;
  status: number;
}

const isFastifyError = (error: unknown): error is FastifyError => {
  if (!(error instanceof Error)) return false;
  const { statusCode, code } = error as Partial<FastifyError>;
  return typeof statusCode === 'number' && typeof code === 'string';
};

/** Names the place of the first misfit and never its value: a value may be somebody's text. */
const validationMessage = (error: FastifyError): string => {
  const first = error.validation?.[0];
  const where = `${error.validationContext ?? 'request'}${first?.instancePath ?? ''}`;
  return `${where}: ${first?.message ?? 'does not fit'}.`;
};

const refusal = (error: FastifyError, status: number): RunnelError => {
  const details = { cause: error };
  if (error.validation) return new RunnelError('bad-frame', validationMessage(error), details);
  if (status === 413) return new RunnelError('too-long', 'The request body is too large.', details);
  if (status === 404) return new RunnelError('not-found', 'There is no such resource.', details);
  if (status === 405) return new RunnelError('bad-frame', 'This address knows no such method.', details);
  if (status === 410) return new RunnelError('not-found', 'The log no longer has what comes after this; begin again.', details);
  if (status === 421) return new RunnelError('forbidden', 'This server does not answer to this name.', details);
  if (status === 503) return new RunnelError('overloaded', undefined, details);
  if (error.code.startsWith('FST_ERR_CTP_') && error.code.endsWith('_JSON_BODY'))
    return new RunnelError('bad-frame', 'The body is not JSON.', details);
  if (status === 415) return new RunnelError('bad-frame', 'The body must be application/json, in UTF-8 and not compressed.', details);
  return new RunnelError('bad-frame', 'The request is malformed.', details);
};

/** An answer whose status is finer than its code: 405, 410. */
export const statusError = (status: 405 | 410): Error =>
  Object.assign(new Error(STATUS_CODES[status]), { statusCode: status, code: 'STATUS' });

/** Whatever a route or Fastify threw, as one of our errors. Anything unknown is `internal` and tells the caller nothing more. */
export const toFailure = (error: unknown): HttpFailure => {
  if (error instanceof RunnelError || !isFastifyError(error)) {
    const ours = toRunnelError(error);
    return { error: ours, status: ours.status };
  }
  const status = error.validation ? 400 : error.statusCode!;
  if (status < 400 || (status >= 500 && status !== 503))
    return { error: new RunnelError('internal', undefined, { cause: error }), status: 500 };
  return { error: refusal(error, status), status };
};

export const toProblem = ({ error, status }: HttpFailure): Problem => ({
  type: `urn:runnel:error:${error.code}`,
  title: STATUS_CODES[status] ?? 'Error',
  status,
  detail: error.message,
  ...error.toFields(),
});

/** Headers that go with an error whatever its body looks like. `retry-after-ms` is what OpenAI's clients read. */
export const failureHeaders = ({ error, status }: HttpFailure): Record<string, string> => ({
  'cache-control': 'no-store',
  ...(status === 401 && { 'www-authenticate': 'Bearer' }),
  ...(error.retryAfterMs !== undefined && {
    'retry-after': String(Math.ceil(error.retryAfterMs / 1000)),
    'retry-after-ms': String(Math.ceil(error.retryAfterMs)),
  }),
});

/** Only what is our fault is logged, and never the request's body. */
export const logFailure = (request: FastifyRequest, { error, status }: HttpFailure, more: { requestId?: string } = {}): void => {
  if (status < 500 || error.code === 'overloaded') return;
  const fields = { event: 'http.failed', method: request.method, route: request.routeOptions.url, status, code: error.code, ...more };
  if (error.code === 'internal') request.log.error({ ...fields, err: error.cause });
  else request.log.warn(fields);
};

/** Answers any error with its problem document. */
export const sendProblem = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
  const failure = toFailure(thrown);
  logFailure(request, failure);
  void reply
    .code(failure.status)
    .headers(failureHeaders(failure))
    .type('application/problem+json')
    // A string, so that no route's response schema drops fields of it.
    .send(JSON.stringify(toProblem(failure)));
};

export const notFound = (): RunnelError => new RunnelError('not-found', 'There is no such resource.');

/** `page` may answer a path that nothing serves before it becomes a problem; it says whether it did. */
export const registerProblems = (app: FastifyInstance, page: (request: FastifyRequest, reply: FastifyReply) => boolean): void => {
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) => {
    if (!page(request, reply)) sendProblem(notFound(), request, reply);
  });
};
