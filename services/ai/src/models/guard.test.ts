import { RunnelError } from '@runnel/protocol';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createFastClock } from '../../testing/fast-clock.ts';
import { ask, collect, NEVER, textOf } from '../../testing/streams.ts';
import { guard, type GuardOptions } from './guard.ts';
import type { ChatProvider, Delta, ModelRequest } from './provider.ts';
import { DEFAULT_TIMEOUTS } from './watchdog.ts';

const outage = (): RunnelError => new RunnelError('unavailable', 'down');

/** A provider whose n-th opening does the n-th thing; the last one is repeated. */
const scripted = (...openings: ((signal: AbortSignal) => AsyncIterable<Delta>)[]): ChatProvider & { opened: number } => {
  const provider = {
    canContinue: true,
    opened: 0,
    stream: (_request: unknown, signal: AbortSignal) => (openings[provider.opened++] ?? openings.at(-1)!)(signal),
  };
  return provider;
};
async function* says(...texts: string[]): AsyncGenerator<Delta> {
  for (const text of texts) yield { text };
}
async function* failsAfter(error: Error, ...texts: string[]): AsyncGenerator<Delta> {
  yield* says(...texts);
  throw error;
}
/** Never answers and does not heed its signal. */
async function* deaf(...texts: string[]): AsyncGenerator<Delta> {
  yield* says(...texts);
  await new Promise(() => {});
}

const guarded = (provider: ChatProvider, options: Partial<GuardOptions> = {}): ChatProvider =>
  guard(provider, { timeouts: DEFAULT_TIMEOUTS, remote: true, random: () => 0, ...options });

describe('before the first token', () => {
  test('an outage is tried again, three times in all', async () => {
    const provider = scripted(
      () => failsAfter(outage()),
      () => failsAfter(outage()),
      () => says('a', 'b'),
    );
    expect(await textOf(guarded(provider), ask('x'))).toBe('ab');
    const down = scripted(() => failsAfter(outage()));
    await expect(textOf(guarded(down), ask('x'))).rejects.toMatchObject({ code: 'model-failed', message: 'down' });
    expect(down.opened).toBe(3);
  });

  test('a refusal is not tried again', async () => {
    const provider = scripted(() => failsAfter(new RunnelError('model-failed', 'no such model')));
    await expect(textOf(guarded(provider), ask('x'))).rejects.toMatchObject({ code: 'model-failed', message: 'no such model' });
    expect(provider.opened).toBe(1);
  });

  test('what nobody waits for (`once`) is asked once, before its first token and behind it', async () => {
    const once = { ...ask('x'), once: true };
    const down = scripted(() => failsAfter(outage()));
    await expect(textOf(guarded(down), once)).rejects.toMatchObject({ code: 'model-failed' });
    const breaks = scripted(() => failsAfter(outage(), 'a'));
    await expect(textOf(guarded(breaks), once)).rejects.toMatchObject({ code: 'model-failed' });
    expect([down.opened, breaks.opened]).toEqual([1, 1]);
  });

  test('a provider in this process is never tried again', async () => {
    const provider = scripted(() => failsAfter(outage()));
    await expect(textOf(guarded(provider, { remote: false }), ask('x'))).rejects.toMatchObject({ code: 'model-failed' });
    expect(provider.opened).toBe(1);
  });
});

test('after the first token a model that cannot continue is not tried again', async () => {
  const provider = Object.assign(
    scripted(() => failsAfter(outage(), 'shown')),
    { canContinue: false },
  );
  const seen: Delta[] = [];
  const read = async (): Promise<void> => {
    for await (const delta of guarded(provider).stream(ask('x'), NEVER)) seen.push(delta);
  };
  await expect(read()).rejects.toMatchObject({ code: 'model-failed' });
  expect(seen).toEqual([{ text: 'shown' }]);
  expect(provider.opened).toBe(1);
});

describe('timeouts, also of a provider that does not heed its signal', () => {
  const timeouts = { firstTokenMs: 40, betweenTokensMs: 20, totalMs: 1000 };

  test.each([
    ['first token', () => deaf()],
    ['between tokens', () => deaf('a')],
  ])('%s', async (_name, opening) => {
    const provider = scripted(opening);
    await expect(textOf(guarded(provider, { timeouts }), ask('x'))).rejects.toMatchObject({
      code: 'model-failed',
      message: 'The model took too long.',
    });
    expect(provider.opened).toBe(1);
  });

  test('in total', async () => {
    const drip = scripted(async function* (signal) {
      while (!signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield { text: '.' };
      }
    });
    await expect(textOf(guarded(drip, { timeouts: { ...timeouts, totalMs: 60 } }), ask('x'))).rejects.toMatchObject({
      code: 'model-failed',
    });
  });

  test('first token: whatever comes from the provider is a sign of life, within the total', async () => {
    const clock = createFastClock();
    const opened: ModelRequest[] = [];
    const quiet: ChatProvider = {
      canContinue: true,
      async *stream(request, signal) {
        opened.push(request);
        for (let i = 0; i < 30 && !signal.aborted; i++) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          await clock.sleep(20);
          request.onLife?.();
        }
        yield { text: 'at last' };
      },
    };
    expect(await textOf(guarded(quiet, { timeouts, clock }), ask('x'))).toBe('at last');
    const impatient = { ...timeouts, totalMs: 100 };
    await expect(textOf(guarded(quiet, { timeouts: impatient, clock }), ask('x'))).rejects.toMatchObject({ code: 'model-failed' });
  });

  test('do not run while the model waits for us', async () => {
    const clock = createFastClock();
    const stream = guarded(
      scripted(() => says('a', 'b')),
      { timeouts: { ...timeouts, totalMs: 50 }, clock },
    ).stream(ask('x'), NEVER);
    const texts: Delta[] = [];
    for await (const delta of stream) {
      texts.push(delta);
      await clock.sleep(10_000);
    }
    expect(texts).toHaveLength(2);
  });
});

test('P-5 a stop ends the stream at once and quietly, whatever the provider does', async () => {
  const stop = new AbortController();
  const reading = collect(guarded(scripted(() => deaf('a'))).stream(ask('x'), stop.signal));
  setImmediate(() => stop.abort('cancel'));
  expect(await reading).toEqual([{ text: 'a' }]);
});

describe('the breaker', () => {
  test('refuses after five outages, lets one call try later, and closes when it works', async () => {
    let down = true;
    const provider = scripted(() => (down ? failsAfter(outage()) : says('ok')));
    // The breaker reads the clock of the machine.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const model = guarded(provider, { breakMs: 30_000 });
    for (let i = 0; i < 2; i++) await expect(textOf(model, ask('x'))).rejects.toThrow();
    expect(provider.opened).toBe(5);
    await expect(textOf(model, ask('x'))).rejects.toMatchObject({ message: 'The model failed too often; it is given a rest.' });
    expect(provider.opened).toBe(5);
    vi.setSystemTime(Date.now() + 30_001);
    down = false;
    expect(await textOf(model, ask('x'))).toBe('ok');
  });

  test('a model whose last calls all failed is said to be down, until one works or for five minutes', async () => {
    let down = true;
    const clock = createFastClock();
    const provider = scripted(() => (down ? failsAfter(outage()) : says('ok')));
    const model = guarded(provider, { breakMs: 30, clock });
    expect(model.isDown!()).toBe(false);
    for (let i = 0; i < 2; i++) await expect(textOf(model, ask('x'))).rejects.toThrow();
    expect(model.isDown!()).toBe(true);
    await clock.sleep(300_001);
    expect(model.isDown!()).toBe(false);
    await expect(textOf(model, ask('x'))).rejects.toThrow();
    down = false;
    await expect.poll(() => textOf(model, ask('x')).catch(() => '')).toBe('ok');
    expect(model.isDown!()).toBe(false);
  });

  test('a model that another one can stand in for is opened once', async () => {
    const provider = scripted(() => failsAfter(outage()));
    await expect(textOf(guarded(provider, { openings: 1 }), ask('x'))).rejects.toThrow();
    expect(provider.opened).toBe(1);
  });

  test('does not count cancels and refusals', async () => {
    const provider = scripted(() => failsAfter(new RunnelError('model-failed')));
    const model = guarded(provider);
    for (let i = 0; i < 10; i++) await expect(textOf(model, ask('x'))).rejects.toThrow();
    expect(provider.opened).toBe(10);
    const hanging = scripted(() => deaf());
    const cancelled = guarded(hanging);
    for (let i = 0; i < 10; i++) {
      const stop = new AbortController();
      const reading = textOf(cancelled, ask('x'), stop.signal);
      stop.abort('cancel');
      await reading;
    }
    expect(hanging.opened).toBe(10);
  });

  test('counts first tokens that never come', async () => {
    const provider = scripted(() => deaf());
    const model = guarded(provider, { timeouts: { firstTokenMs: 5, betweenTokensMs: 5, totalMs: 100 } });
    for (let i = 0; i < 6; i++) await expect(textOf(model, ask('x'))).rejects.toMatchObject({ code: 'model-failed' });
    expect(provider.opened).toBe(5);
  });
});
