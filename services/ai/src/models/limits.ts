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

/** Where a text is cut, and with which of its characters that is known: what is known first holds, however the text comes in pieces. */
interface Cut {
  at: number;
  known: number;
  finish: 'stop' | 'length';
}

/** The stop in `held`, which begins at `from` of the text, that is whole first; of two that end together, the longer one. */
const cutOfStops = (held: string, stops: readonly string[], from: number): Cut | undefined =>
  stops
    .flatMap((stop): Cut[] => {
      const at = held.indexOf(stop);
      return at < 0 ? [] : [{ at: from + at, known: from + at + stop.length - 1, finish: 'stop' }];
    })
    .toSorted((a, b) => a.known - b.known || a.at - b.at)[0];

/** Before the word after `most` words; its first letter tells it, since until then the last word may grow. */
const cutOfWords = (text: string, most: number): Cut | undefined => {
  if (most === Infinity) return undefined;
  let words = 0;
  for (const { index, 0: word } of text.matchAll(WORD))
    if (words++ === most) return { at: index, known: index + word.search(/\S/), finish: 'length' };
  return undefined;
};

const firstOf = (stop: Cut | undefined, length: Cut | undefined): Cut | undefined =>
  stop === undefined || (length !== undefined && length.known < stop.known) ? length : stop;

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
        said += held;
        held = '';
        yield delta;
        continue;
      }
      held += delta.text;
      const whole = said + held;
      const cut = firstOf(cutOfStops(held, stops, said.length), cutOfWords(whole, most));
      if (cut !== undefined) {
        const text = whole.slice(said.length, cut.at);
        if (text !== '') yield { text };
        yield { finish: cut.finish };
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
