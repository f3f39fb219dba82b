import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryAfterOf, toModelError, UpstreamAnswer, UpstreamFault } from './model-error.ts';
import { ProviderFault, scrub } from './provider-fault.ts';

const answered = (status: number, body = '', headers: Record<string, string> = {}): UpstreamAnswer =>
  new UpstreamAnswer(status, body, headers);
const errorOf = (error: unknown) => toModelError(error, ['my-secret-key'], ['a prompt of nobody else but me']);

describe('what a provider answered', () => {
  // Redirects are not followed: who configured the address has to be told of it.
  test.each([302, 307, 400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 529])('%i is told', (status) => {
    const { message, cause, code } = errorOf(answered(status));
    expect(message).toContain(String(status));
    expect(cause).toMatchObject({ status });
    expect(code === 'model-failed').toBe(status < 429);
  });

  test.each([
    'This model has a maximum context length of 8192 tokens.',
    'request (1531 tokens) exceeds the available context size (1024 tokens)',
    '{"error":{"code":"context_length_exceeded","message":"too long"}}',
    '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000"}}',
  ])('a thread that is too long is not retryable: %s', (body) => {
    expect(errorOf(answered(400, body))).toMatchObject({ code: 'context-length', retryable: false });
  });

  test('429 is rate-limited, with the pause that was asked for', () => {
    expect(errorOf(answered(429, '', { 'retry-after': '5' }))).toMatchObject({ code: 'rate-limited', retryAfterMs: 5000 });
    expect(errorOf(answered(429))).toMatchObject({ code: 'rate-limited', retryAfterMs: undefined });
  });

  test.each([
    [{}, undefined],
    [{ 'retry-after': '' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1500],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:12 GMT' }, 2000],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:01 GMT' }, 0],
    [{ 'retry-after': '9', 'retry-after-ms': '20' }, 20],
  ])('%j is %s ms', (headers, ms) => {
    expect(retryAfterOf(headers as Record<string, string>, 10_000)).toBe(ms);
  });

  test.each(['ECONNREFUSED', 'ENOTFOUND', 'UND_ERR_CONNECT_TIMEOUT'])('%s: nobody is there', (code) => {
    const error = errorOf(Object.assign(new Error('connect'), { code }));
    expect(error).toMatchObject({ code: 'unavailable', message: "The model's provider cannot be reached." });
  });

  test('an error object inside of the stream is a break, and its words go to the log', () => {
    const error = errorOf(new UpstreamFault({ error: { message: 'the engine died' } }));
    expect(error).toMatchObject({ code: 'unavailable', message: 'The connection to the model broke.' });
    expect(error.cause).toBeInstanceOf(ProviderFault);
    expect((error.cause as Error).message).toBe('the engine died');
  });
});

describe('a provider’s words', () => {
  test('S-18 hold no key, whatever it looks like', () => {
    const body =
      '{"error":{"message":"Incorrect key: sk-proj-abcdef123456 (my-secret-key), Bearer abc.def, 9f8e7d6c5b4a39281706f5e4d3c2b1a0"}}';
    const { message } = errorOf(answered(401, body)).cause as Error;
    expect(message).not.toMatch(/abcdef123456|my-secret-key|abc\.def|9f8e7d6c/);
    expect(message).toContain('Incorrect key');
  });

  test('hold nothing of a prompt', () => {
    const words = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 24, maxLength: 200 }), words, words, (prompt, before, after) => {
        fc.pre(prompt.trim().length >= 24 && !/^(.)\1*$/u.test(prompt));
        const clean = scrub(`${before}${prompt}${after}`, [], [prompt]);
        expect(clean.includes(prompt)).toBe(false);
      }),
    );
    expect(scrub('bad word: hush', [], ['hush'])).toBe('bad word: …');
  });

  test('are cut', () => {
    expect(scrub('no '.repeat(1000), [], []).length).toBeLessThanOrEqual(300);
  });
});

test.each([
  ['{"error":{"message":"m","code":"invalid_value","param":"temperature"}}', 'invalid_value'],
  ['{"error":{"message":"m","type":"overloaded_error"}}', 'overloaded_error'],
  ['{"error":{"message":"m","code":"sk-1234 is no key of ours"}}', undefined],
  ['{"error":{"code":401}}', undefined],
  ['<html>', undefined],
])('a provider’s own word for its error is kept where it is one: %s', (body, code) => {
  const error = toModelError(new UpstreamAnswer(400, body), [], []);
  expect([error.providerStatus, error.providerCode]).toEqual([400, code]);
});
