import { fullJitter } from '@runnel/kit';
import { RunnelError, splitIncomplete, utf8Length, type Usage } from '@runnel/protocol';
import { systemClock, type Clock } from '../runs/clock.ts';
import { estimateUsage, sumUsage } from '../run/usage.ts';
import type { ChatProvider, Delta, ModelRequest } from './provider.ts';

export interface ContinuedOptions {
  clock?: Clock;
  random?: () => number;
}

/** Times an answer may break in one pod. */
const BREAKS = 3;
const RETRY = { baseMs: 250, maxMs: 2000 };

/**
 * A stream that breaks in the middle (the connection, the provider's process, an error object instead of an end) is gone on with behind
 * its last character, as it would be in another pod after this one's death, when the model can do that. Nothing stands twice: what
 * came so far is the prefix of the next request.
 *
 * Usage is summed over the requests: one that broke told none, so it is estimated.
 */
export const continued = (provider: ChatProvider, { clock = systemClock, random }: ContinuedOptions): ChatProvider => ({
  ...provider,

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const broken: Usage[] = [];
    let { prefix } = request;
    for (let breaks = 0; ; breaks++) {
      const begun = prefix;
      // Half of a character is not told before its rest has come: a stream that breaks between them would leave it behind.
      let half = '';
      try {
        for await (const delta of provider.stream({ ...request, prefix }, signal)) {
          if ('usage' in delta) yield { usage: sumUsage(...broken, delta.usage) };
          else if (!('text' in delta)) yield delta;
          else {
            const { whole, rest } = splitIncomplete(half + delta.text);
            half = rest;
            prefix += whole;
            yield { text: whole };
          }
        }
        if (half !== '') yield { text: half };
        return;
      } catch (error) {
        if (signal.aborted || request.once || !provider.canContinue || prefix === '' || breaks >= BREAKS || !isBreak(error)) throw error;
        broken.push(estimateUsage([...request.messages, { role: 'assistant', text: begun }], utf8Length(prefix) - utf8Length(begun)));
        await clock.sleep(fullJitter({ attempt: breaks, ...RETRY, ...(random && { random }) }), signal);
        if (signal.aborted) return;
      }
    }
  },
});

const isBreak = (error: unknown): boolean => error instanceof RunnelError && error.code === 'unavailable';
