import type { Finish } from '@runnel/protocol';
import type { Encoder } from '../answer-feed.ts';
import type { AnswerEnd } from '../answer.ts';
import { NOTHING_TOLD, unfold, type Unfolded } from '../parts/unfold.ts';
import { partChunks, type Chunk, type PartSent } from './part-chunks.ts';

export interface ChunkHead {
  conversationId: string;
  runId: string;
}

/** What a client has of an answer when the telling begins. */
export interface ChunkStart {
  /** So many chunks, of an answer that was cut off: it is told the step again, in the place of what it holds. */
  skipped?: number;
  /** What stood when it waited for a person, who has decided about these parts: the step comes again, in the place of that. */
  decided?: ReadonlySet<string>;
  /** What the addresses of files begin with: the path prefix of `PUBLIC_URL`. */
  prefix?: string;
}

/** What a client was told. */
interface Sent {
  /** `fresh`: nothing. `step`: its step has begun. `over`: everything. */
  phase: 'fresh' | 'step' | 'over';
  told: Unfolded;
  parts: readonly PartSent[];
  /** Number of the last text part, and whether it is open. */
  texts: number;
  isOpen: boolean;
  restarts: number;
}

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

/** The first chunks. What a client was told before cannot be counted, so it gives way to the step, told again. */
const beginning = (head: ChunkHead, { skipped = 0, decided }: ChunkStart): Chunk[] => {
  const start = { type: 'start', messageId: head.runId, messageMetadata: head };
  if (decided) return [start, { type: 'reset-step' }];
  if (skipped === 0) return [start, { type: 'start-step' }];
  // Whoever has counted one chunk has seen no step begin.
  return [{ type: 'reset-step' }, ...(skipped === 1 ? [{ type: 'start-step' }] : [])];
};

/** An answer as UI message chunks: always one step, with or without tools, so that `reset-step` replaces all of it (decision 0147). */
export const chunkEncoder = (head: ChunkHead, start: ChunkStart = {}): Encoder<Sent> => ({
  fresh: { phase: 'fresh', told: NOTHING_TOLD, parts: [], texts: 0, isOpen: false, restarts: 0 },
  encode(sent, answer) {
    if (sent.phase === 'over') return { events: [], sent };
    const events: Chunk[] = sent.phase === 'fresh' ? beginning(head, start) : [];
    let { told, texts, isOpen } = sent;
    const parts = [...sent.parts];
    const ended = answer.end !== null;
    const close = (): void => {
      if (isOpen) events.push({ type: 'text-end', id: `text-${texts}` });
      isOpen = false;
    };
    if (sent.restarts !== answer.restarts) {
      if (told !== NOTHING_TOLD) events.push({ type: 'reset-step' });
      [told, isOpen] = [NOTHING_TOLD, false];
      parts.length = 0;
    }
    for (const [index, before] of parts.entries()) {
      const part = answer.parts[index];
      if (!part) continue;
      const { chunks, sent: after } = partChunks(part, before, ended, start.prefix);
      events.push(...chunks);
      parts[index] = after;
    }
    const next = unfold(answer, told);
    for (const piece of next.pieces) {
      if (piece.kind === 'text') {
        if (!isOpen) events.push({ type: 'text-start', id: `text-${++texts}` });
        isOpen = true;
        events.push({ type: 'text-delta', id: `text-${texts}`, delta: piece.text });
      } else {
        close();
        const { chunks, sent: after } = partChunks(piece.part, null, ended, start.prefix);
        events.push(...chunks);
        parts.push(after);
      }
    }
    if (next.pieces.length > 0) ({ told } = next);
    const isWaiting = answer.waiting?.some((partId) => !start.decided?.has(partId)) === true;
    if (answer.end || isWaiting) {
      close();
      events.push({ type: 'finish-step' });
      const waits = {
        type: 'finish',
        finishReason: 'tool-calls',
        messageMetadata: { ...head, reason: 'waiting', waiting: answer.waiting },
      };
      events.push(...(answer.end ? endOf(head, answer.end) : [waits]));
      return { events, sent: { ...sent, phase: 'over' }, isOver: true };
    }
    return { events, sent: { phase: 'step', told, parts, texts, isOpen, restarts: answer.restarts } };
  },
});
