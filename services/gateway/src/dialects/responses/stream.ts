import type { FastifyReply } from 'fastify';
import { type RunnelError, utf8Length } from '@runnel/protocol';
import { drained, keepAlive, startEventStream } from '../../http/sse/event-stream.ts';
import type { Answer } from '../openai/answer.ts';
import { restarted } from '../openai/api-error.ts';
import { nextPiece } from '../openai/next-piece.ts';
import { beginning, delta, ending, opening, sse, type StreamEvent, type View } from './encode.ts';
import { piecesOf, prefixOf } from './pieces.ts';
import { bytesBehind, thoughtBehind, thoughtEvents, type ToldThought } from './thoughts.ts';

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
  let last = after ?? -1;
  /** A thought that belongs before what was sent: the model began again. */
  let isLate = false;
  const write = (events: readonly StreamEvent[]): void => {
    for (const event of events) {
      if (after !== null && event.sequence_number <= after) continue;
      isLate ||= event.sequence_number <= last;
      if (isLate) return;
      raw.write(sse(event));
      last = event.sequence_number;
    }
  };
  const finish = (error: RunnelError | undefined): void => {
    stop();
    ended(error);
    raw.end();
  };

  const diverge = (sent: string): void => {
    if (answer.end?.outside) return finish(answer.end.error);
    const error = restarted();
    const closing = ending({ ...view(), text: sent, end: { reason: 'failed', error } });
    if (isLate) raw.write(sse(closing.at(-1)!));
    else write(closing);
    return finish(error);
  };

  write(beginning(view()));
  const told: ToldThought[] = [];
  /** Thoughts that stand before this byte of the text, as far as they have come. */
  const tellThoughts = (byte: number): void => {
    const { thoughts } = view();
    for (const [index, { at }] of thoughts.entries()) {
      if (at > byte || told[index]?.isOver) continue;
      told[index] ??= { isOpen: false, bytes: after === null ? 0 : thoughtBehind(thoughts, index, after), isOver: false };
      const next = thoughtEvents(thoughts, index, told[index]);
      write(next.events);
      told[index] = next.told;
    }
  };
  /** What the client has of the text; unknown until it has come here so far. */
  const known = (): number => (after === null ? 0 : bytesBehind(view().thoughts, after));
  let sent: string | null = known() === 0 ? '' : null;
  let sentBytes = 0;
  let isOpen = false;
  let { restarts } = answer;
  for (;;) {
    await drained(raw);
    if (sent === null && (answer.end || utf8Length(answer.text) >= known())) {
      sent = prefixOf(answer.text, known());
      sentBytes = utf8Length(sent);
    }
    if (sent === null) {
      await answer.next();
      continue;
    }
    const next = nextPiece(sent, { text: answer.text, restarted: answer.restarts !== restarts, ended: answer.end !== null });
    if (!isOpen) tellThoughts(0);
    if (!isOpen && answer.text !== '' && next.kind !== 'diverged') {
      write(opening(view()));
      isOpen = true;
    }
    if (isOpen) tellThoughts(sentBytes);
    if (isLate) return diverge(sent);
    switch (next.kind) {
      case 'piece': {
        const text = answer.text;
        const cuts = [...answer.cuts, ...view().thoughts.map(({ at }) => at)].toSorted((a, b) => a - b);
        const pieces = piecesOf(next.text, sentBytes, cuts);
        for (const piece of pieces) {
          write([delta(view(), piece.text, piece.until)]);
          tellThoughts(piece.until);
        }
        answer.cuts = [];
        sent = text;
        sentBytes = pieces.at(-1)!.until;
        restarts = answer.restarts;
        break;
      }
      case 'wait':
        await answer.next();
        break;
      case 'diverged':
        return diverge(sent);
      case 'done':
        if (answer.end?.outside) return finish(answer.end.error);
        write(ending(view()));
        return finish(undefined);
      default:
        next satisfies never;
    }
  }
};
