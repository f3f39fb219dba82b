import { expect, test } from 'vitest';
import { CLOSE, CLOSE_REASONS, shouldReconnect, type CloseName } from './close-codes.ts';
import { ERRORS, RunnelError, toRunnelError, type ErrorCode } from './errors.ts';
import { isLogged } from './events.ts';

test('the number of a close code says whether to come back', () => {
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015, 4000, 4001, 4002, 4003, 4499])
    expect(shouldReconnect(code)).toBe(true);
  for (const code of [1009, 4500, 4501, 4502, 4503, 4504, 4505, 4999]) expect(shouldReconnect(code)).toBe(false);
});

test('every close code is unique and has a reason that fits into a close frame', () => {
  const names = Object.keys(CLOSE) as CloseName[];
  expect(new Set(Object.values(CLOSE)).size).toBe(names.length);
  for (const name of names) expect(Buffer.byteLength(CLOSE_REASONS[name])).toBeLessThanOrEqual(123);
});

test('an error carries its catalogue entry to the wire, and nothing of its cause', () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const error = new RunnelError(code, undefined, { cause: new Error('secret'), retryAfterMs: 5, runId: 'a1' });
    const { message, retryable, status } = ERRORS[code];
    expect(error.toFields()).toEqual({ code, message, retryable, retryAfterMs: 5, runId: 'a1' });
    expect(error.status).toBe(status);
  }
  expect(new RunnelError('busy').toFields()).not.toHaveProperty('retryAfterMs');
});

test('what is not ours becomes `internal` and keeps its cause', () => {
  const cause = new TypeError('x');
  expect(toRunnelError(cause)).toMatchObject({ code: 'internal', cause });
  const own = new RunnelError('busy');
  expect(toRunnelError(own)).toBe(own);
});

test('an event of a later version counts as logged when it has an offset; answers and snapshots never do', () => {
  expect(isLogged({ type: 'of-a-later-version', offset: 3 })).toBe(true);
  expect(isLogged({ type: 'of-a-later-version' })).toBe(false);
  for (const type of ['snapshot', 'live', 'ok']) expect(isLogged({ type, offset: 3 })).toBe(false);
});
