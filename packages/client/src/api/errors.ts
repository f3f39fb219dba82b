import { ERRORS, RunnelError, type ErrorCode } from '@runnel/protocol';

/** What an `error` frame and a problem document have in common, as it arrives: nothing in it is certain. */
export interface ErrorFields {
  code?: unknown;
  message?: unknown;
  detail?: unknown;
  retryAfterMs?: unknown;
  runId?: unknown;
}

/** An error in a view: plain data, so that stores can be compared, copied and kept. */
export interface Problem {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
  /** `busy`: the run that is in the way. */
  runId?: string;
}

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code);

/** Reads an error of the wire. A code of a later version becomes `fallback`. */
export const errorFromWire = (fields: ErrorFields, fallback: ErrorCode = 'internal'): RunnelError => {
  const code = isErrorCode(fields.code) ? fields.code : fallback;
  const message = [fields.message, fields.detail].find((text) => typeof text === 'string');
  return new RunnelError(code, message as string | undefined, {
    ...(typeof fields.retryAfterMs === 'number' && { retryAfterMs: fields.retryAfterMs }),
    ...(typeof fields.runId === 'string' && { runId: fields.runId }),
  });
};

export const problemOf = (error: RunnelError): Problem => error.toFields();
