import { ERRORS, RunnelError, type ErrorCode } from '@runnel/protocol';
import { describe, expect, test } from 'vitest';
import { untilAnswered } from './retry.ts';
import { createFastClock } from '../../testing/fast-clock.ts';

const failing = (times: number) => {
  let calls = 0;
  return {
    call: async () => {
      if (calls++ < times) throw new RunnelError('unavailable', `failure ${calls}`);
      return calls;
    },
  };
};

describe('untilAnswered', () => {
  test('asks until it is answered, with waits that grow to 400 ms', async () => {
    const clock = createFastClock();
    const failures: number[] = [];
    expect(
      await untilAnswered(failing(8).call, {
        clock,
        random: () => 1,
        giveUpMs: 60_000,
        onFailure: (_error, attempt) => failures.push(attempt),
      }),
    ).toBe(9);
    expect(clock.now()).toBe(25 + 50 + 100 + 200 + 4 * 400);
    expect(failures).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test.each([new TypeError('x is undefined'), 'a word', ...(Object.keys(ERRORS) as ErrorCode[]).map((code) => new RunnelError(code))])(
    'code 1.3 asks again only where that may help: %s',
    async (error) => {
      let calls = 0;
      const options = { clock: createFastClock(), random: () => 1, giveUpMs: 1000 };
      const asked = untilAnswered(() => (calls++, Promise.reject(error)), options);
      await expect(asked).rejects.toBe(error);
      const again = error instanceof RunnelError && error.retryable && error.code !== 'internal';
      expect(calls > 1).toBe(again);
    },
  );

  test('throws the last error when it has failed for too long, or is told to stop', async () => {
    const options = { clock: createFastClock(), random: () => 1, giveUpMs: 100 };
    await expect(untilAnswered(failing(99).call, options)).rejects.toThrow('failure 4');
    await expect(untilAnswered(failing(99).call, { ...options, signal: AbortSignal.abort() })).rejects.toThrow('failure 1');
  });
});
