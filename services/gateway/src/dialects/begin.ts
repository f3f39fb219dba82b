import { checkText } from '@runnel/protocol';
import type { GatewayContext } from '../context.ts';
import { findMessage } from '../archive/find-message.ts';
import type { Caller } from '../auth/identity.ts';
import type { RunAnswer } from '../commands/commands.ts';
import { editedId, seedOf, type Turn } from './turns.ts';

export interface Asked {
  conversationId: string;
  /** The last one is the user's who asks. */
  turns: readonly Turn[];
  messageId: string;
  runId: string;
  /** Answers a message once more that is there already. */
  regenerate: boolean;
  model: string | undefined;
}

type BeginContext = Pick<GatewayContext, 'runLog' | 'commands' | 'limits' | 'models'>;
type Place = { conversationId: string; userId: string };

/** The model that is named, else the one that answered last here, else the default. */
const modelFor = async (
  { runLog, models }: BeginContext,
  caller: Caller,
  place: Place,
  named: string | undefined,
): Promise<string | undefined> => {
  if (named !== undefined) return named;
  const read = await runLog.readHistory({ ...place, limit: 8 });
  const last = read.kind === 'page' ? read.messages.findLast(({ model }) => model !== undefined)?.model : undefined;
  // One that is there no longer is as if there had been none.
  return last === undefined ? undefined : models.resolve(last, caller).catch(() => undefined);
};

/**
 * Starts the run that a client of another protocol asks for, or joins the one it asked for before: its message is known (W-4). A known
 * message with another text is an edit, a branch under the same parent. Throws what commands throw.
 */
export const beginAsked = async (context: BeginContext, caller: Caller, asked: Asked): Promise<RunAnswer> => {
  const { runLog, commands, limits } = context;
  const { conversationId, turns, messageId, runId } = asked;
  const text = checkText(turns.at(-1)!.text, limits);
  const place = { conversationId, userId: caller.userId };
  const named = await modelFor(context, caller, place, asked.model);
  const model = named === undefined ? {} : { model: named };
  if (asked.regenerate) {
    const known = await findMessage(runLog, place, messageId);
    const parentId = known && known.text !== text ? editedId(messageId, text) : messageId;
    return commands.regenerate(caller, { conversationId, parentId, runId, ...model });
  }
  const begun = await commands.prompt(caller, { conversationId, messageId, text, runId, seed: seedOf(turns.slice(0, -1)), ...model });
  const known = begun.duplicate ? await findMessage(runLog, place, messageId) : undefined;
  if (!known || known.status === 'deleted' || known.text === text) return begun;
  const edit = { messageId: editedId(messageId, text), parentId: known.parentId };
  return commands.prompt(caller, { conversationId, text, runId, ...edit, ...model });
};
