import type { FastifyReply } from 'fastify';
import { type RunnelError, utf8Length } from '@runnel/protocol';
import { drained, keepAlive, startEventStream } from '../../http/sse/event-stream.ts';
import type { Answer } from '../openai/answer.ts';
import { restarted } from '../openai/api-error.ts';
import { nextPiece } from '../openai/next-piece.ts';
import { beginning, bytesBehind, delta, ending, opening, sse, type StreamEvent, type View } from './encode.ts';
import { piecesOf, prefixOf } from './pieces.ts';

const HEARTBEAT_MS = 15_000;

export interface StreamOptions {
  /** The response as the answer stands. */
  view(): View;
  /** The last event that the client has; null: none. */
  after: number | null;
  /** The stream ended with this error; none: it is whole. */
  ended(error: RunnelError | undefined): void;
}

/**
 * Writes the events of an answer as it grows, those that a client has left out. A look that ends before its run (the node goes away) closes
 * the response without a last event: the client comes back with the number of the last one it has. Never rejects.
 */
export const streamResponse = async (answer: Answer, reply: FastifyReply, { view, after, ended }: StreamOptions): Promise<void> => {
  const raw = startEventStream(reply);
  const stop = keepAlive(raw, HEARTBEAT_MS);
  const write = (events: readonly StreamEvent[]): void => {
    for (const event of events) if (after === null || event.sequence_number > after) raw.write(sse(event));
  };
  const finish = (error: RunnelError | undefined): void => {
    stop();
    ended(error);
    raw.end();
  };

  write(beginning(view()));
  /** What the client has of the text; unknown until it has come here so far. */
  const known = after === null ? 0 : bytesBehind(after);
  let sent: string | null = known === 0 ? '' : null;
  let sentBytes = 0;
  let isOpen = false;
  let { restarts } = answer;
  for (;;) {
    await drained(raw);
    if (sent === null && (answer.end || utf8Length(answer.text) >= known)) {
      sent = prefixOf(answer.text, known);
      sentBytes = utf8Length(sent);
    }
    if (sent === null) {
      await answer.next();
      continue;
    }
    const next = nextPiece(sent, { text: answer.text, restarted: answer.restarts !== restarts, ended: answer.end !== null });
    if (!isOpen && answer.text !== '' && next.kind !== 'diverged') {
      write(opening(view()));
      isOpen = true;
    }
    switch (next.kind) {
      case 'piece': {
        const text = answer.text;
        const pieces = piecesOf(next.text, sentBytes, answer.cuts);
        write(pieces.map((piece) => delta(view(), piece.text, piece.until)));
        answer.cuts = [];
        sent = text;
        sentBytes = pieces.at(-1)!.until;
        restarts = answer.restarts;
        break;
      }
      case 'wait':
        await answer.next();
        break;
      case 'diverged': {
        if (answer.end?.outside) return finish(answer.end.error);
        const error = restarted();
        write(ending({ ...view(), text: sent, end: { reason: 'failed', error } }));
        return finish(error);
      }
      case 'done':
        if (answer.end?.outside) return finish(answer.end.error);
        write(ending(view()));
        return finish(undefined);
      default:
        next satisfies never;
    }
  }
};
