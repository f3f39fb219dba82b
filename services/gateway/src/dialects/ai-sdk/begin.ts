import type { Caller } from '../../auth/identity.ts';
import { beginAsked } from '../begin.ts';
import { decideAsked } from '../parts/decide-asked.ts';
import type { DialectContext } from '../tellers.ts';
import type { ChunkStart } from './encode.ts';
import { readChat, readDecisions, type ChatBody } from './request.ts';

interface Begun extends ChunkStart {
  place: { conversationId: string; userId: string; runId: string };
  /** Offset of `run-started`, where it is known. */
  startedAt?: number;
}

/**
 * Does what a chat sent: begins the run of a prompt, or carries out what a person decided about an answer, which then goes on. `enter`
 * takes the place of the answer before anything is changed. Throws what commands throw.
 */
export const begin = async (context: DialectContext, caller: Caller, body: ChatBody, enter: () => Promise<void>): Promise<Begun> => {
  const { userId } = caller;
  const decided = readDecisions(body);
  if (decided) {
    const { conversationId, decisions } = decided;
    await enter();
    const { runId, decided: done } = await decideAsked(context, caller, conversationId, decisions);
    return { place: { conversationId, userId, runId }, decided: done };
  }
  const asked = readChat(body);
  await enter();
  const { runId, offset } = await beginAsked(context, caller, asked);
  return { place: { conversationId: asked.conversationId, userId, runId }, startedAt: offset };
};
