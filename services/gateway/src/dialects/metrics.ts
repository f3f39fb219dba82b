import type { FastifyInstance, FastifyRequest } from 'fastify';
import { startAtZero, type Metrics } from '@runnel/kit';
import { ERRORS, type ErrorCode } from '@runnel/protocol';
import { toFailure } from '../http/plumbing/problem.ts';

const DIALECTS = ['chat-completions', 'responses', 'models', 'durable-streams', 'ai-sdk', 'ag-ui'] as const;
/** What ends an answer of another protocol that is no error of ours. `left`: its caller closed the connection first. */
export const OTHER_ENDS = ['cancelled', 'restarted', 'idempotency-key-reused', 'left'] as const;
export type Dialect = (typeof DIALECTS)[number];

const createDialectMetrics = (metrics: Metrics) => ({
  requests: metrics.counter('runnel_gateway_dialect_requests_total', 'Answers in another protocol, by dialect and code', [
    'dialect',
    'code',
  ]),
  open: metrics.gauge('runnel_gateway_dialect_streams', 'Answers in another protocol that stay open', ['dialect']),
});
export type DialectMetrics = ReturnType<typeof createDialectMetrics>;

export const dialectMetrics = (metrics: Metrics): DialectMetrics => {
  const all = createDialectMetrics(metrics);
  startAtZero(all.requests, { dialect: [...DIALECTS], code: ['ok', ...(Object.keys(ERRORS) as ErrorCode[]), ...OTHER_ENDS] });
  for (const dialect of DIALECTS) all.open.set({ dialect }, 0);
  return all;
};

/** Counts the answers of a scope: `ok`, or the code of what it was refused with. */
export const countAnswers = (scope: FastifyInstance, { requests }: DialectMetrics, dialect: Dialect): void => {
  const refused = new WeakSet<FastifyRequest>();
  scope.addHook('onError', async (request, _reply, error) => {
    refused.add(request);
    requests.inc({ dialect, code: toFailure(error).error.code });
  });
  scope.addHook('onResponse', async (request) => {
    if (!refused.has(request)) requests.inc({ dialect, code: 'ok' });
  });
};
