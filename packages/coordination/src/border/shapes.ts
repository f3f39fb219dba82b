import { isId, RunnelError, type Usage } from '@runnel/protocol';

/** What one command may carry. Larger than what any way in lets through, so that only a mistake or an attack meets them. */
export const BORDER = {
  textBytes: 4 * 1024 * 1024,
  answerBytes: 16 * 1024 * 1024,
  titleBytes: 4 * 1024,
  nameBytes: 4 * 1024,
  /** With the tokens of an identity provider. */
  grantBytes: 64 * 1024,
  seedTurns: 150,
  /** Of one branch: their order in the database is by thousandths of a millisecond, parts included. */
  forkedMessages: 500,
  /** Of one answer. */
  parts: 256,
  /** What a model is asked beside the thread: files may be in it. */
  requestBytes: 8 * 1024 * 1024,
  /** Prompt and seed together. */
  beginBytes: 8 * 1024 * 1024,
} as const;

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const refuse = (what: string): never => {
  throw new RunnelError('bad-frame', `This ${what} is malformed.`);
};

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const object = (value: unknown, what: string): void => void (isObject(value) || refuse(what));
export const list = (value: unknown, what: string, most = Number.POSITIVE_INFINITY): void =>
  void ((Array.isArray(value) && value.length <= most) || refuse(what));
export const id = (value: unknown): void => void (isId(value) || refuse('id'));
export const maybeId = (value: unknown): void => void (value === null || value === undefined || isId(value) || refuse('id'));
export const flag = (value: unknown, what: string): void => void (typeof value === 'boolean' || refuse(what));
export const word = (value: unknown, words: readonly string[], what: string): void =>
  void ((typeof value === 'string' && words.includes(value)) || refuse(what));

/** A whole number from 0 on: a position, a time, an epoch, a count. */
export const count = (value: unknown, what: string): void => void ((Number.isSafeInteger(value) && (value as number) >= 0) || refuse(what));

export const text = (value: unknown, mostBytes: number, what: string): void => {
  // A string has at most three bytes of UTF-8 a unit: only those near the limit are counted.
  const fits = typeof value === 'string' && (value.length * 3 <= mostBytes || Buffer.byteLength(value) <= mostBytes);
  if (!fits) refuse(what);
};
export const name = (value: unknown, what: string): void => text(value, BORDER.nameBytes, what);

/** SHA-256, hexadecimal. */
export const digest = (value: unknown): void => void ((typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) || refuse('digest'));

/** A trace is a help for people who look: what is none is dropped, not refused. */
export const traceOf = (value: unknown): string | undefined => (typeof value === 'string' && TRACEPARENT.test(value) ? value : undefined);

export const checkUsage = (usage: Usage | undefined): void => {
  if (usage === undefined) return;
  object(usage, 'usage');
  count(usage.promptTokens, 'usage');
  count(usage.completionTokens, 'usage');
};
