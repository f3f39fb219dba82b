import type { MessageStatus, Role, Trimmed } from './message.ts';
import type { Part } from './parts.ts';
import { utf8Length } from './position.ts';

/** Bytes of text that make about one token, over the usual tokenizers and languages. */
export const BYTES_PER_TOKEN = 4;

/** About how many tokens a text is, where no tokenizer is asked. */
export const tokensOf = (text: string): number => Math.ceil(utf8Length(text) / BYTES_PER_TOKEN);

/** What a model reads of one picture. */
export const IMAGE_TOKENS = 1_000;

/** Whether a model has to look at a file: of all others it reads the text. */
export const isPicture = ({ kind, mediaType = '', tokens }: Part): boolean =>
  kind === 'file' && mediaType.startsWith('image/') && tokens === undefined;

/** About how many tokens the files among a message's parts are, and whether one of them is a picture. Pure; `weigh.lua` says the same. */
export const filesWeight = (parts: readonly Part[] = []): { tokens: number; isSeen: boolean } => {
  const files = parts.filter(({ kind }) => kind === 'file');
  const tokens = files.reduce((sum, file) => sum + (isPicture(file) ? IMAGE_TOKENS : (file.tokens ?? 0)), 0);
  return { tokens, isSeen: files.some(isPicture) };
};

interface Turn {
  role: Role;
  text: string;
  status?: MessageStatus;
  /** Its files count. */
  parts?: readonly Part[];
}

/** The files of a message that a model is given: those a person brought. Pure. */
export const givenFiles = ({ role, parts }: Pick<Turn, 'role' | 'parts'>): Part[] =>
  role === 'user' && parts ? parts.filter(({ kind }) => kind === 'file') : [];

/** Whether a message says something to a model: what is deleted, or has neither text nor a file, does not. Pure. */
export const isSaid = (turn: Turn): boolean => turn.status !== 'deleted' && (turn.text !== '' || givenFiles(turn).length > 0);

const weightOf = (turn: Turn): number => tokensOf(turn.text) + filesWeight(givenFiles(turn)).tokens;

/**
 * The part of a thread (oldest first) that fits in so many tokens: all system text, then whole turns — a person's message and what
 * was answered to it — from the newest back to the first that has no room. The newest turn stays, however long. What says nothing
 * (`isSaid`) is in neither part. Pure; `fit.lua` says the same of the store's copy.
 */
export const fitThread = <M extends Turn>(thread: readonly M[], tokens: number): { kept: M[]; trimmed: Trimmed | null } => {
  const said = thread.filter(isSaid);
  let room = tokens;
  for (const message of said) if (message.role === 'system') room -= weightOf(message);
  let first = said.length;
  for (let at = said.length, turn = 0; at > 0; at--) {
    const message = said[at - 1]!;
    const { role } = message;
    if (role !== 'system') turn += weightOf(message);
    // A turn ends, going back, at its question; what stands before the first question is one too.
    if (role !== 'user' && at > 1) continue;
    room -= turn;
    if (room < 0 && first < said.length) break;
    first = at - 1;
    turn = 0;
  }
  const isKept = ({ role }: M, at: number): boolean => role === 'system' || at >= first;
  const kept = said.filter(isKept);
  const cut = said.filter((message, at) => !isKept(message, at));
  const trimmed = cut.length === 0 ? null : { messages: cut.length, tokens: cut.reduce((sum, message) => sum + weightOf(message), 0) };
  return { kept, trimmed };
};
