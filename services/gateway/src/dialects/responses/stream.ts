import type { FastifyReply } from 'fastify';
import { type RunnelError, utf8Length } from '@runnel/protocol';
import { drained, keepAlive, startEventStream } from '../../http/plumbing/event-stream.ts';
import type { Answer } from '../answer.ts';
import { restarted } from '../openai/api-error.ts';
import { nextPiece } from '../openai/next-piece.ts';
import { beginning, delta, ending, opening, type View } from './encode.ts';
import { piecesOf, prefixOf } from './pieces.ts';
import { BLANK, begun, isProof, isTextBegun, numberAt, numberBehind, placeOf, tapeUpTo, withText, withThought } from './numbers.ts';
import { SettledThoughts } from './settled.ts';
import { sse, type StreamEvent } from './stream-event.ts';
import { bytesBehind, lastNumber, startOf, thoughtBehind, thoughtEvents, type Thought, type ToldThought } from './thoughts.ts';

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
export const streamResponse = async (answer: Answer, reply: FastifyReply, { view: seen, after, ended }: StreamOptions): Promise<void> => {
  const raw = startEventStream(reply);
  const stop = keepAlive(raw, HEARTBEAT_MS);
  const settled = new SettledThoughts();
  const view = (): View => {
    const now = seen();
    return { ...now, thoughts: settled.of(now.thoughts, answer) };
  };
  const from = after === null ? null : placeOf(after);
  let last = after ?? -1;
  let tape = BLANK;
  let isOpen = false;
  /** A thought that belongs before what was sent: the model began again. */
  let isLate = false;
  /** Events with their places: each gets its number as it goes. */
  const write = (events: readonly StreamEvent[]): void => {
    for (const event of events) {
      if (!isOpen && isTextBegun(view().thoughts, event.sequence_number)) [isOpen, tape] = [true, begun(tape, 'text')];
      const number = numberAt(event.sequence_number, tape);
      if (after !== null && number <= after) continue;
      isLate ||= number <= last;
      if (isLate) return;
      raw.write(sse({ ...event, sequence_number: number }));
      last = number;
    }
  };
  const finish = (error: RunnelError | undefined): void => {
    stop();
    ended(error);
    raw.end();
  };
  const diverge = (text: string): void => {
    if (answer.end?.outside) return finish(answer.end.error);
    const error = restarted();
    const told = { ...view(), text, end: { reason: 'failed' as const, error } };
    raw.write(sse({ ...ending(told).at(-1)!, sequence_number: numberBehind(last) }));
    finish(error);
  };

  const told = new Map<string, ToldThought>();
  const toldOf = (thoughts: readonly Thought[], index: number): ToldThought => {
    const bytes = from === null ? 0 : thoughtBehind(thoughts, index, from);
    return (
      told.get(thoughts[index]!.id) ?? { isBegun: from !== null && from > startOf(thoughts, index), isOpen: false, bytes, isOver: false }
    );
  };
  /** Thoughts that stand before this byte of the text, as far as they have come. */
  const tellThoughts = (byte: number): void => {
    const { thoughts } = view();
    for (const [index, { id, at }] of thoughts.entries()) {
      const known = toldOf(thoughts, index);
      if (at > byte || known.isOver) continue;
      if (!known.isBegun) tape = begun(tape, 'thought');
      const next = thoughtEvents(thoughts, index, known);
      for (const event of next.events) {
        if (event === next.delta) tape = withThought(tape, Buffer.from(next.delta.delta), known.bytes);
        write([event]);
      }
      told.set(id, next.told);
    }
  };

  await answer.begun();
  write(beginning(view()));
  let sent: string | null = from === null ? '' : null;
  let sentBytes = 0;
  let hasOpened = false;
  let { restarts } = answer;
  for (;;) {
    await drained(raw);
    if (sent === null) {
      const { thoughts } = view();
      // What the client has must have come here before it can be compared.
      if (!answer.end && lastNumber(thoughts, utf8Length(answer.text)) < from!) {
        await answer.next();
        continue;
      }
      sent = prefixOf(answer.text, bytesBehind(thoughts, from!));
      sentBytes = utf8Length(sent);
      tape = tapeUpTo(thoughts, answer.text, from!);
      isOpen = isTextBegun(thoughts, from!);
      if (isProof(after!) && numberAt(from!, tape) !== after) return diverge('');
      restarts = answer.restarts;
    }
    const next = nextPiece(sent, { text: answer.text, restarted: answer.restarts !== restarts, ended: answer.end !== null });
    if (!hasOpened) tellThoughts(0);
    if (!hasOpened && answer.text !== '' && next.kind !== 'diverged') {
      write(opening(view()));
      hasOpened = true;
    }
    if (hasOpened) tellThoughts(sentBytes);
    if (isLate) return diverge(sent);
    switch (next.kind) {
      case 'piece': {
        const text = answer.text;
        const cuts = [...answer.cuts, ...view().thoughts.map(({ at }) => at)].toSorted((a, b) => a - b);
        const pieces = piecesOf(next.text, sentBytes, cuts);
        for (const piece of pieces) {
          tape = withText(tape, piece.text);
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
