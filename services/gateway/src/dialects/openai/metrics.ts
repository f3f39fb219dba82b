import { startAtZero, type Metrics } from '@runnel/kit';
import { RunnelError, toRunnelError } from '@runnel/protocol';
import { ApiError } from './api-error.ts';

const DIALECTS = ['chat-completions', 'responses', 'models'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** Words that callers meet, and only such: a provider's own word is not for a label. */
const WORDS = [
  ...['ok', 'refused', 'unauthorized', 'not-found', 'forbidden', 'busy', 'too-long', 'rate-limited', 'overloaded', 'unavailable'],
  ...['model-unknown', 'model-failed', 'internal', 'cancelled', 'restarted', 'idempotency-key-reused', 'left'],
] as const;
type Word = (typeof WORDS)[number];

const isWord = (word: string): word is Word => WORDS.includes(word as Word);

const wordOf = (error: RunnelError): Word => {
  const word = error instanceof ApiError ? error.api.code.replaceAll('_', '-') : error.code;
  if (isWord(word)) return word;
  if (error.code === 'token-expired') return 'unauthorized';
  return error.status < 500 ? 'refused' : 'internal';
};

/** Counts what became of the requests of a dialect. */
export interface DialectMetrics {
  /** Undefined: it was answered, whole. */
  ended(dialect: Dialect, error: unknown): void;
  /** The caller closed the connection before the end. */
  left(dialect: Dialect): void;
}

export const dialectMetrics = (metrics: Metrics): DialectMetrics => {
  const requests = metrics.counter('runnel_gateway_dialect_requests_total', 'Requests of other APIs, by the API and what became of them', [
    'dialect',
    'code',
  ]);
  startAtZero(requests, { dialect: [...DIALECTS], code: [...WORDS] });
  return {
    ended: (dialect, error) => requests.inc({ dialect, code: error === undefined ? 'ok' : wordOf(toRunnelError(error)) }),
    left: (dialect) => requests.inc({ dialect, code: 'left' }),
  };
};
