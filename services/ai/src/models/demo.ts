import { systemClock, type Clock } from '../runs/clock.ts';
import { createCountProvider, parseCount } from './count.ts';
import { composeAnswer, languageOf, THINKS, THOUGHTS } from './demo-answer.ts';
import { aboutFiles } from './demo-files.ts';
import { paced } from './pace.ts';
import { lastFiles, lastPrompt, type ChatProvider, type Delta, type ModelRequest } from './provider.ts';

/** A word with the blanks before it: about what real models call a token. */
const WORD = /\s*\S+/g;

/** Milliseconds until the next word: longer words take longer, a sentence ends with a short breath. About 30 words a second. */
const gapAfter = (word: string): number => 16 + 3 * word.length + (/[.!?:]$/.test(word) ? 90 : 0);

/**
 * Friendly text without any model, in the prompt's language. The same prompt gives the same text on every pod, which is why it
 * continues from anywhere. Prompts such as `count 500 at 50` are handed to `count`, so that both need no configuration.
 */
export const createDemoProvider = (clock: Clock = systemClock, count: ChatProvider = createCountProvider(clock)): ChatProvider => ({
  canContinue: true,

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<Delta> {
    const prompt = lastPrompt(request.messages);
    if (parseCount(prompt) !== null) {
      yield* count.stream(request, signal);
      return;
    }
    if (request.prefix === '' && THINKS.test(prompt)) {
      const thought = THOUGHTS[languageOf(prompt)];
      for await (const { text } of paced(thought.match(WORD) ?? [], gapAfter, clock, signal)) yield { reasoning: text };
      if (signal.aborted) return;
    }
    const turn = request.messages.filter(({ role }) => role === 'user').length;
    const answer = composeAnswer(prompt, turn, aboutFiles(lastFiles(request.messages), languageOf(prompt)));
    yield* paced(answer.slice(request.prefix.length).match(WORD) ?? [], gapAfter, clock, signal);
    if (signal.aborted) return;
    yield { usage: { promptTokens: wordsOf(prompt), completionTokens: wordsOf(answer.slice(request.prefix.length)) } };
  },
});

const wordsOf = (text: string): number => text.match(WORD)?.length ?? 0;
