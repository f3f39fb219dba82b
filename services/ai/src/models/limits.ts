import type { ChatProvider, Delta, ModelRequest } from './provider.ts';

/** A word with the blanks before it: what a model without a tokenizer of its own counts as a token. */
const WORD = /\s*\S+/g;

const stopsOf = ({ params }: ModelRequest): string[] => {
  const stop = params?.stop ?? [];
  return (typeof stop === 'string' ? [stop] : stop).filter((word) => word !== '');
};
const mostOf = ({ params }: ModelRequest): number => params?.max_completion_tokens ?? params?.max_tokens ?? Infinity;

/** How much of the end of `text` may be the beginning of one of `stops`. */
const begunOf = (text: string, stops: readonly string[]): number => {
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1));
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
};

const firstOf = (text: string, stops: readonly string[]): number =>
  stops.map((stop) => text.indexOf(stop)).reduce((first, at) => (at >= 0 && (first < 0 || at < first) ? at : first), -1);

/** Where the word after `most` words begins; -1: there are not so many. The last word may still grow, so it counts when another follows. */
const endOfWords = (text: string, most: number): number => {
  let words = 0;
  for (const { index } of text.matchAll(WORD)) if (words++ === most) return index;
  return -1;
};

/**
 * Keeps `stop` and the limit of length for a model that does not itself. `unit` null: it counts its tokens, and only `stop` is kept here.
 * What may be the beginning of a stop waits until more has come, so no part of one is ever shown.
 */
export const withLimits = (provider: ChatProvider, unit: 'words' | null): ChatProvider => ({
  ...provider,

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const stops = stopsOf(request);
    const most = unit === null ? Infinity : mostOf(request);
    if (stops.length === 0 && most === Infinity) {
      yield* provider.stream(request, signal);
      return;
    }
    let said = request.prefix;
    let held = '';
    for await (const delta of provider.stream(request, signal)) {
      if (!('text' in delta)) {
        // Of a usage and a finish: what waits comes before them.
        if (held !== '') yield { text: held };
        held = '';
        yield delta;
        continue;
      }
      held += delta.text;
      const stopAt = firstOf(held, stops);
      const whole = said + (stopAt < 0 ? held : held.slice(0, stopAt));
      const cutAt = most === Infinity ? -1 : endOfWords(whole, most);
      if (cutAt >= 0 || stopAt >= 0) {
        const text = (cutAt >= 0 ? whole.slice(0, cutAt) : whole).slice(said.length);
        if (text !== '') yield { text };
        yield { finish: cutAt >= 0 ? 'length' : 'stop' };
        return;
      }
      // Blanks belong to the word behind them, which may be one too many.
      const blanks = most === Infinity ? 0 : held.length - held.trimEnd().length;
      const free = held.length - Math.max(blanks, begunOf(held, stops));
      if (free > 0) yield { text: held.slice(0, free) };
      said += held.slice(0, free);
      held = held.slice(free);
    }
    if (held !== '') yield { text: held };
  },
});
