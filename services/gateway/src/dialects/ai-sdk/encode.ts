import type { Finish } from '@runnel/protocol';
import type { Encoder } from '../answer-feed.ts';
import type { AnswerEnd } from '../openai/answer.ts';

export type Chunk = { type: string } & Record<string, unknown>;

export interface ChunkHead {
  conversationId: string;
  runId: string;
}

/**
 * What a client holds of a message. `fresh`: nothing. `resumed`: an unknown part of the first step. `step`: the step without its text.
 * `text`: the text part is open. `over`: everything.
 */
interface Sent {
  phase: 'fresh' | 'resumed' | 'step' | 'text' | 'over';
  text: string;
  restarts: number;
}

/** The only text part of a step. */
const PART = 'text-1';
const REASONS: Record<Finish, string> = { stop: 'stop', length: 'length', filter: 'content-filter', tools: 'tool-calls', error: 'error' };

const endOf = (head: ChunkHead, { reason, finish, usage, error, proof }: AnswerEnd): Chunk[] => {
  const messageMetadata = { ...head, reason, ...(usage && { usage }), ...proof };
  if (reason === 'cancelled') return [{ type: 'abort' }, { type: 'finish', messageMetadata }];
  if (error)
    return [
      { type: 'error', errorText: error.message },
      { type: 'finish', finishReason: 'error', messageMetadata },
    ];
  return [{ type: 'finish', finishReason: REASONS[finish ?? 'stop'] ?? 'other', messageMetadata }];
};

/**
 * An answer as UI message chunks. `skipped`: how many chunks the client has counted before, of an answer that was cut off: it is told
 * the step again, in the place of what it holds, for what it counted is not to be had again.
 */
export const chunkEncoder = (head: ChunkHead, skipped = 0): Encoder<Sent> => ({
  fresh: { phase: skipped > 0 ? 'resumed' : 'fresh', text: '', restarts: 0 },
  encode(sent, answer) {
    let { phase, text, restarts } = sent;
    const events: Chunk[] = [];
    if (phase === 'over') return { events, sent };
    if (phase === 'fresh') events.push({ type: 'start', messageId: head.runId, messageMetadata: head }, { type: 'start-step' });
    // Whoever has counted one chunk has seen no step begin.
    if (phase === 'resumed') events.push(skipped === 1 ? { type: 'start-step' } : { type: 'reset-step' });
    if (phase === 'fresh' || phase === 'resumed') phase = 'step';
    if (restarts !== answer.restarts) {
      if (phase === 'text') events.push({ type: 'reset-step' });
      [phase, text, restarts] = ['step', '', answer.restarts];
    }
    if (answer.text.length > text.length) {
      if (phase === 'step') events.push({ type: 'text-start', id: PART });
      events.push({ type: 'text-delta', id: PART, delta: answer.text.slice(text.length) });
      [phase, text] = ['text', answer.text];
    }
    if (answer.end) {
      if (phase === 'text') events.push({ type: 'text-end', id: PART });
      events.push({ type: 'finish-step' }, ...endOf(head, answer.end));
      phase = 'over';
    }
    return { events, sent: { phase, text, restarts } };
  },
});
