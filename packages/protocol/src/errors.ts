/**
 * The catalogue of errors a client can meet. `status` is the HTTP answer, `retryable` says whether the same
 * command may succeed later without a change by the caller.
 */
export const ERRORS = {
  unauthorized: { status: 401, retryable: false, message: 'Sign in first.' },
  'bad-frame': { status: 400, retryable: false, message: 'The request is malformed.' },
  'unknown-type': { status: 400, retryable: false, message: 'This frame type is not known.' },
  'too-long': { status: 413, retryable: false, message: 'The text is too long.' },
  'too-large': { status: 413, retryable: false, message: 'The file is too large.' },
  quota: { status: 413, retryable: false, message: 'There is no room for more files of yours.' },
  'unsupported-type': { status: 415, retryable: false, message: 'Files of this type are not taken.' },
  empty: { status: 400, retryable: false, message: 'The text is empty.' },
  'not-found': { status: 404, retryable: false, message: 'There is no such conversation or message.' },
  forbidden: { status: 403, retryable: false, message: 'This conversation belongs to somebody else.' },
  busy: { status: 409, retryable: true, message: 'An answer is still running in this conversation.' },
  'rate-limited': { status: 429, retryable: true, message: 'Too many prompts; wait a moment.' },
  overloaded: { status: 503, retryable: true, message: 'The service is full; try again soon.' },
  unavailable: { status: 503, retryable: true, message: 'A store is down; try again soon.' },
  'token-expired': { status: 401, retryable: false, message: 'The token has expired or soon will.' },
  'model-unknown': { status: 400, retryable: false, message: 'There is no such model.' },
  'model-unfit': { status: 400, retryable: false, message: 'This model cannot take what is asked of it.' },
  'context-length': { status: 400, retryable: false, message: 'The conversation is too long for this model.' },
  'model-failed': { status: 502, retryable: true, message: 'The model failed.' },
  internal: { status: 500, retryable: true, message: 'Something broke on our side.' },
} as const satisfies Record<string, { status: number; retryable: boolean; message: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  cause?: unknown;
  /** Milliseconds after which a retry makes sense. */
  retryAfterMs?: number;
  /** `busy`: the run that is in the way. */
  runId?: string;
  /** `rate-limited`: which budget is used up (`prompts`, `runs`, `bytes`, …). */
  limit?: string;
  /** A model's provider answered with this HTTP status, */
  providerStatus?: number;
  /** and called it so. */
  providerCode?: string;
}

/** The one error class of the project. Programs read `code`; `message` is for people. */
export class RunnelError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  readonly runId: string | undefined;
  readonly limit: string | undefined;
  readonly providerStatus: number | undefined;
  readonly providerCode: string | undefined;

  constructor(code: ErrorCode, message?: string, details: ErrorDetails = {}) {
    super(message ?? ERRORS[code].message, { cause: details.cause });
    this.name = 'RunnelError';
    this.code = code;
    this.retryable = ERRORS[code].retryable;
    this.status = ERRORS[code].status;
    this.retryAfterMs = details.retryAfterMs;
    this.runId = details.runId;
    this.limit = details.limit;
    this.providerStatus = details.providerStatus;
    this.providerCode = details.providerCode;
  }

  /** The fields an `error` frame and a problem document share. */
  toFields(): { code: ErrorCode; message: string; retryable: boolean; retryAfterMs?: number; runId?: string; limit?: string } {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.retryAfterMs !== undefined && { retryAfterMs: this.retryAfterMs }),
      ...(this.runId !== undefined && { runId: this.runId }),
      ...(this.limit !== undefined && { limit: this.limit }),
    };
  }
}

/** Whether the same may succeed when it is asked again, with nobody mending anything: an outage, not a bug. */
export const isTransient = (error: unknown): boolean => error instanceof RunnelError && error.retryable && error.code !== 'internal';

/** Anything thrown becomes a RunnelError; what is not ours is `internal` and keeps its cause for the log. */
export const toRunnelError = (error: unknown): RunnelError =>
  error instanceof RunnelError ? error : new RunnelError('internal', undefined, { cause: error });
