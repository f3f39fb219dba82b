import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { RunnelError } from '@runnel/protocol';
import { drained, keepAlive, startEventStream } from '../../http/plumbing/event-stream.ts';
import type { Answer } from '../answer.ts';
import { cancelled, cutCall, openAiError, restarted } from '../openai/api-error.ts';
import { callsOf, isCut } from '../openai/calls.ts';
import { nextPiece } from '../openai/next-piece.ts';
import { reasoningOf } from '../openai/reasoning.ts';
import { DONE, chunk, finishReasonOf, lastChunk, sse, usageChunk, type AnswerHead, type ToolCall } from './encode.ts';

const HEARTBEAT_MS = 15_000;

/** How an answer that has ended is no answer; undefined: it is one. */
export const endError = ({ end, parts }: Answer): RunnelError | undefined =>
  end?.error ?? (end?.reason === 'cancelled' ? cancelled() : end && isCut(parts) ? cutCall() : undefined);

/** The calls of an answer as this API has them. */
export const toolCalls = ({ parts }: Answer): ToolCall[] =>
  callsOf(parts).map(({ id, name, arguments: args }) => ({ id, type: 'function', function: { name, arguments: args } }));

export interface StreamOptions {
  head: AnswerHead;
  /** In a piece of its own; not at all; absent: with the last piece. */
  withUsage: boolean | undefined;
  /** The stream ended with this error; none: it is whole. */
  ended(error: RunnelError | undefined): void;
}

/** Writes an answer as it grows: whatever has come since the reader last had room goes out as one piece. Never rejects. */
export const streamAnswer = async (answer: Answer, reply: FastifyReply, { head, withUsage, ended }: StreamOptions): Promise<void> => {
  const raw: ServerResponse = startEventStream(reply);
  const stop = keepAlive(raw, HEARTBEAT_MS);
  const isAsked = withUsage === true;
  const write = (data: unknown): void => void raw.write(sse(data));
  const finish = (error: RunnelError | undefined): void => {
    if (error) write(openAiError({ error, status: error.status }));
    else {
      const calls = toolCalls(answer).map((call, index) => ({ index, ...call }));
      if (calls.length > 0) write(chunk(head, { tool_calls: calls }, null, isAsked));
      const reason = finishReasonOf(answer.end?.finish);
      write(withUsage === undefined ? lastChunk(head, reason, answer.end?.usage) : chunk(head, {}, reason, withUsage));
    }
    if (!error && isAsked) write(usageChunk(head, answer.end?.usage));
    stop();
    ended(error);
    raw.end(DONE);
  };

  write(chunk(head, { role: 'assistant', content: '' }, null, isAsked));
  let sent = '';
  let thought = '';
  let { restarts } = answer;
  for (;;) {
    await drained(raw);
    const reasoning = reasoningOf(answer.parts);
    if (reasoning.length > thought.length && reasoning.startsWith(thought)) {
      write(chunk(head, { reasoning_content: reasoning.slice(thought.length) }, null, isAsked));
      thought = reasoning;
    }
    const next = nextPiece(sent, { text: answer.text, restarted: answer.restarts !== restarts, ended: answer.end !== null });
    switch (next.kind) {
      case 'piece':
        write(chunk(head, { content: next.text }, null, isAsked));
        sent = answer.text;
        restarts = answer.restarts;
        break;
      case 'wait':
        await answer.next();
        break;
      case 'diverged':
        return finish(answer.end?.reason === 'interrupted' ? answer.end.error : restarted());
      case 'done':
        return finish(endError(answer));
      default:
        next satisfies never;
    }
  }
};
