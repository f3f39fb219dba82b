import { toRunnelError } from '@runnel/protocol';
import { OTHER_ENDS, type Dialect, type DialectMetrics } from '../metrics.ts';
import { ApiError } from './api-error.ts';

/** A provider's own word is not for a label. */
const wordOf = (thrown: unknown): string => {
  const error = toRunnelError(thrown);
  const word = error instanceof ApiError ? error.api.code.replaceAll('_', '-') : error.code;
  return (OTHER_ENDS as readonly string[]).includes(word) ? word : error.code;
};

/** Counts what became of the requests of a dialect. */
export interface RequestCounts {
  /** Undefined: it was answered, whole. */
  ended(dialect: Dialect, error: unknown): void;
  /** The caller closed the connection before the end. */
  left(dialect: Dialect): void;
}

export const requestCounts = ({ requests }: DialectMetrics): RequestCounts => ({
  ended: (dialect, error) => requests.inc({ dialect, code: error === undefined ? 'ok' : wordOf(error) }),
  left: (dialect) => requests.inc({ dialect, code: 'left' }),
});
