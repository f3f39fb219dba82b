import { systemClock, type Clock } from '../runs/clock.ts';
import { createCountProvider, parseCount } from './count.ts';
import { composeAnswer, languageOf, THINKS, THOUGHTS } from './demo-answer.ts';
import { aboutFiles } from './demo-files.ts';
import { paced } from './pace.ts';
import { afterCalls, beforeCalls, callsFor } from './scripted/demo-tools.ts';
import { storyOf, streamCalls } from './scripted/scripted-tools.ts';
import { isPrompt, lastFiles, lastPrompt, type ChatProvider, type Delta, type ModelRequest } from './provider.ts';

/** A word with the blanks before it: about what real models call a token. */
const WORD = /\s*\S+/g;

/** Milliseconds until the next word: longer words take longer, a sentence ends with a short breath. About 30 words a second. */
const gapAfter = (word: string): number => 16 + 3 * word.length + (/[.!?:]$/.test(word) ? 90 : 0);

/** Between two pieces of a call's arguments. */
const CALL_GAP_MS = 20;

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
    const calls = callsFor(prompt, request.tools ?? []);
    const story = storyOf(request.messages);
    if (request.prefix === '' && story.steps === 0 && THINKS.test(prompt)) {
      const thought = THOUGHTS[languageOf(prompt)];
      for await (const { text } of paced(thought.match(WORD) ?? [], gapAfter, clock, signal)) yield { reasoning: text };
      if (signal.aborted) return;
    }
    const isCalling = calls.length > 0 && story.steps === 0;
    const turn = request.messages.filter(isPrompt).length;
    const plain = (): string => composeAnswer(prompt, turn, aboutFiles(lastFiles(request.messages), languageOf(prompt)));
    const answer = isCalling ? beforeCalls(prompt) : story.steps > 0 ? afterCalls(prompt, story) : plain();
    yield* paced(answer.slice(request.prefix.length).match(WORD) ?? [], gapAfter, clock, signal);
    if (signal.aborted) return;
    yield { usage: { promptTokens: wordsOf(prompt), completionTokens: wordsOf(answer.slice(request.prefix.length)) } };
    if (isCalling) yield* streamCalls(calls, { step: 0, gapMs: CALL_GAP_MS, clock, signal });
  },
});

const wordsOf = (text: string): number => text.match(WORD)?.length ?? 0;
