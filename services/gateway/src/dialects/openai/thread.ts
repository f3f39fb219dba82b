import type { SeedMessage } from '@runnel/coordination';
import { newId, type Role } from '@runnel/protocol';
import type { ModelInput, ModelParams, ModelRequest, Turn } from '@runnel/protocol/http';

/** A message of a request, checked: what the model gets, and what people read of it in the conversation. */
export interface ReadTurn {
  turn: Turn;
  /** Never empty but for a message that says nothing. */
  shown: string;
  /** What a model must take for it, beside text, and the field that says so. */
  needs: readonly { input: ModelInput; param: string }[];
}

/** A request as a prompt of ours. */
export interface ReadThread {
  /** The last message as people read it. */
  prompt: string;
  /** What stands before it in a conversation that is new. */
  seed: SeedMessage[];
  /** What the model is asked, once the prompt has its id. */
  requestFor(messageId: string): ModelRequest;
  needs: ReadTurn['needs'];
}

/** Turns that a new conversation begins with; the store keeps the newest 200 messages of one. The model gets all there are. */
const MAX_SEED = 100;

const isPlain = ({ turn: { role, content, tool_calls, name } }: ReadTurn): boolean =>
  role !== 'tool' && typeof content === 'string' && !tool_calls && name === undefined;

/** In the conversation, a caller's result of a tool is something a person brought: never words of the system's authority. */
const roleOf = ({ role }: Turn): Role => (role === 'tool' ? 'user' : role);

/** Where the last message begins, which is the prompt's: results of tools come together, with the turn that asked for them. */
const lastOf = (turns: readonly ReadTurn[], prompt: number): number => {
  let last = prompt;
  while (last > 0 && turns[last]!.turn.role === 'tool') last--;
  return last;
};

/**
 * `params` and the messages of a request, as what the log gets and what the model gets. `isAllNew`: they go on behind an answer, none of them
 * is in the log already. Pure but for the new ids.
 */
export const readThread = (
  turns: readonly ReadTurn[],
  { params, instructions, isAllNew = false }: { params: ModelParams; instructions?: string | undefined; isAllNew?: boolean },
): ReadThread => {
  // What people see as the prompt: the last thing that a person, or a tool, said.
  const found = turns.findLastIndex(({ turn: { role } }) => role === 'user' || role === 'tool');
  const at = found < 0 ? turns.length - 1 : found;
  const before = turns.slice(0, at).filter(({ shown }) => shown.trim() !== '');
  const seed = before.slice(-MAX_SEED).map(({ turn, shown }) => ({ messageId: newId(), role: roleOf(turn), text: shown }));
  const isLast = at === turns.length - 1 && turns[at]!.turn.role === 'user';
  const isSaidByTheLog = isLast && before.length <= (isAllNew ? 0 : MAX_SEED) && turns.every(isPlain);
  const thread = { turns: turns.map(({ turn }) => turn), last: isAllNew ? 0 : lastOf(turns, at) };
  return {
    // Of a conversation that goes on nothing else of the request is kept.
    prompt: isAllNew ? turns.map(({ shown }) => shown).join('\n\n') : turns[at]!.shown,
    seed,
    requestFor: (messageId) => ({
      ...(Object.keys(params).length > 0 && { params }),
      ...(instructions !== undefined && { instructions }),
      ...(!isSaidByTheLog && { thread: { ...thread, first: seed[0]?.messageId ?? messageId } }),
    }),
    needs: turns.flatMap(({ needs }) => needs),
  };
};
