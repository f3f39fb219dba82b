import type { FastifyReply } from 'fastify';
import { RunnelError } from '@runnel/protocol';
import type { Answer } from './answer.ts';
import { drained, keepAlive, startEventStream } from '../../http/sse/event-stream.ts';
import { DONE, chunk, finishReasonOf, openAiError, sse, usageChunk, type AnswerHead } from './format.ts';

const HEARTBEAT_MS = 15_000;

export type NextPiece = { kind: 'piece'; text: string } | { kind: 'wait' } | { kind: 'diverged' } | { kind: 'done' };

/**
 * What to send to a reader that has `sent` of an answer. Pieces cannot be taken back: when the run had to begin again, the new
 * text must first catch up with the old one, which only a model that says the same again can do.
 */
export const nextPiece = (sent: string, now: { text: string; restarted: boolean; ended: boolean }): NextPiece => {
  const { text, restarted, ended } = now;
  if (restarted && !text.startsWith(sent)) return !ended && sent.startsWith(text) ? { kind: 'wait' } : { kind: 'diverged' };
  if (text.length > sent.length) return { kind: 'piece', text: text.slice(sent.length) };
  return { kind: ended ? 'done' : 'wait' };
};

const diverged = (): RunnelError =>
  new RunnelError('model-failed', 'The answer had to begin again on another node; its conversation holds it whole.');

/** Writes an answer as it grows: whatever has come since the reader last had room goes out as one piece. Never rejects. */
export const streamAnswer = async (answer: Answer, head: AnswerHead, reply: FastifyReply, withUsage: boolean): Promise<void> => {
  const raw = startEventStream(reply);
  const stop = keepAlive(raw, HEARTBEAT_MS);
  const write = (data: unknown): void => void raw.write(sse(data));
  const finish = (error: RunnelError | undefined): void => {
    const usage = answer.end?.usage;
    if (error) write(openAiError({ error, status: error.status }));
    else write(chunk(head, {}, finishReasonOf(answer.end?.finish), withUsage));
    if (!error && withUsage && usage) write(usageChunk(head, usage));
    stop();
    raw.end(DONE);
  };

  write(chunk(head, { role: 'assistant', content: '' }, null, withUsage));
  let sent = '';
  let { restarts } = answer;
  for (;;) {
    await drained(raw);
    const next = nextPiece(sent, { text: answer.text, restarted: answer.restarts !== restarts, ended: answer.end !== null });
    switch (next.kind) {
      case 'piece':
        write(chunk(head, { content: next.text }, null, withUsage));
        sent = answer.text;
        restarts = answer.restarts;
        break;
      case 'wait':
        await answer.next();
        break;
      case 'diverged':
        return finish(diverged());
      case 'done':
        return finish(answer.end?.error);
      default:
        next satisfies never;
    }
  }
};
