import { createHash } from 'node:crypto';
import type { SeedMessage } from '@runnel/coordination';
import type { Part, Role } from '@runnel/protocol';
import type { ModelInput, ModelParams, ModelRequest, Turn } from '@runnel/protocol/http';
import { refuse } from '../api-error.ts';
import { wordsOf, type InlineFile } from './inline-files.ts';

/** A message of a request, checked: what the model gets, and what people read of it in the conversation. */
export interface ReadTurn {
  turn: Turn;
  /** Never empty but for a message that says nothing, or brings files only. */
  shown: string;
  /** What a model must take for it, beside text, and the field that says so. */
  needs: readonly { input: ModelInput; param: string }[];
  files: readonly InlineFile[];
}

/** The files of a request that are kept, as parts. */
export type KeptFiles = ReadonlyMap<InlineFile, Part>;

/** A request as a prompt of ours. */
export interface ReadThread {
  /** The last message as people read it. */
  prompt: string;
  /** What stands before it in a conversation that is new; the same messages for the same prompt. */
  seedOf(messageId: string): SeedMessage[];
  /** What the model is asked, once the prompt has its id and its files are kept. */
  requestFor(messageId: string, kept?: KeptFiles): ModelRequest;
  needs: ReadTurn['needs'];
  /** Those of the prompt, in their order. */
  files: readonly InlineFile[];
  /** Those of the turns before it, oldest first: the model gets as many of the newest as are kept, and is told of the others. */
  earlierFiles: readonly InlineFile[];
}

/** Turns that a new conversation begins with; the store keeps the newest 200 messages of one. The model gets all there are. */
const MAX_SEED = 100;

/** A turn before the prompt, by its place: a request that is repeated means the same messages. */
const earlierId = (messageId: string, index: number): string =>
  createHash('sha256')
    .update(JSON.stringify([messageId, index]))
    .digest('hex')
    .slice(0, 32);

/** The log keeps a prompt without the blanks around it; a model gets them. */
const isTrim = ({ shown }: ReadTurn): boolean => shown === shown.trim();

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

/** What people, and models that are not given them, read of a turn with files. */
const withWords = (shown: string, files: readonly InlineFile[]): string =>
  [...(shown === '' ? [] : [shown]), ...files.map(wordsOf)].join('\n');

/** A turn as its model gets it: with its files as parts, those that are not kept as words. */
const turnWith = ({ turn, files }: ReadTurn, kept: KeptFiles): Turn => {
  if (files.length === 0) return turn;
  const left = files.filter((file) => !kept.has(file));
  const parts = files.flatMap((file) => kept.get(file) ?? []);
  const content = typeof turn.content === 'string' ? withWords(turn.content, left) : (turn.content ?? null);
  return { ...turn, content, ...(parts.length > 0 && { files: parts }) };
};

const detailsOf = (kept: KeptFiles): Record<string, string> =>
  Object.fromEntries([...kept].flatMap(([{ detail }, { fileId }]) => (detail === undefined ? [] : [[fileId!, detail]])));

/**
 * `params` and the messages of a request, as what the log gets and what the model gets. `isAllNew`: they go on behind an answer, none of them
 * is in the log already. `param`: the field that they came in. Pure.
 *
 * @throws ApiError when they say nothing
 */
export const readThread = (
  turns: readonly ReadTurn[],
  {
    params,
    param,
    instructions,
    isAllNew = false,
  }: { params: ModelParams; param: string; instructions?: string | undefined; isAllNew?: boolean },
): ReadThread => {
  // What people see as the prompt: the last thing that a person, or a tool, said.
  const found = turns.findLastIndex(({ turn: { role } }) => role === 'user' || role === 'tool');
  const at = found < 0 ? turns.length - 1 : found;
  const before = turns.slice(0, at).filter(({ shown, files }) => shown.trim() !== '' || files.length > 0);
  const seedOf = (messageId: string): SeedMessage[] =>
    before.slice(-MAX_SEED).map(({ turn, shown, files }, index) => ({
      messageId: earlierId(messageId, index),
      role: roleOf(turn),
      text: withWords(shown, files),
    }));
  const isLast = at === turns.length - 1 && turns[at]!.turn.role === 'user';
  const prompting = isAllNew ? turns : [turns[at]!];
  const files = prompting.flatMap((turn) => turn.files);
  const earlierFiles = isAllNew ? [] : turns.slice(0, at).flatMap((turn) => turn.files);
  const isSaidByTheLog =
    isLast && isTrim(turns[at]!) && before.length <= (isAllNew ? 0 : MAX_SEED) && turns.every(isPlain) && earlierFiles.length === 0;
  const last = isAllNew ? 0 : lastOf(turns, at);
  // Of a conversation that goes on nothing else of the request is kept.
  const prompt = prompting
    .map(({ shown }) => shown)
    .filter((shown, _, all) => all.length === 1 || shown !== '')
    .join('\n\n');
  if (prompt.trim() === '' && files.length === 0) refuse(param, 'say nothing.', 'empty');
  return {
    prompt,
    seedOf,
    requestFor: (messageId, kept = new Map()) => {
      const details = detailsOf(kept);
      const thread = () => ({
        turns: turns.map((turn) => turnWith(turn, kept)),
        last,
        first: before.length > 0 ? earlierId(messageId, 0) : messageId,
      });
      return {
        ...(Object.keys(params).length > 0 && { params }),
        ...(instructions !== undefined && { instructions }),
        ...(Object.keys(details).length > 0 && { details }),
        ...(!isSaidByTheLog && { thread: thread() }),
      };
    },
    files,
    earlierFiles,
    needs: [
      ...turns.flatMap(({ needs }) => needs),
      ...(isSaidByTheLog ? [] : turns.flatMap((turn) => turn.files.map(({ param }) => ({ input: 'turn_files' as const, param })))),
    ],
  };
};
