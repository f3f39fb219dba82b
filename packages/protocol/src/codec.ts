import { Compile } from 'typebox/compile';
import { RunnelError } from './errors.ts';
import { CLIENT_FRAMES, MAX_ECHO, type ClientFrame, type ClientFrameType, type FrameId } from './frames.ts';

/** What a server promises to read at most; told to clients in `welcome`. */
export interface Limits {
  /** Characters (Unicode code points) of a prompt after trimming. */
  textChars: number;
  /** Bytes of one client frame. */
  frameBytes: number;
}

export const DEFAULT_LIMITS: Limits = { textChars: 5_000, frameBytes: 64 * 1024 };

export type Decoded = { frame: ClientFrame; error?: undefined } | { frame?: undefined; id?: FrameId; error: RunnelError };

type Checker = { Check(value: unknown): boolean };
const checkers = new Map<string, Checker>();

/** Compiled on first use: pages that only send never pay for it. */
const checkerOf = (type: ClientFrameType): Checker => {
  let checker = checkers.get(type);
  if (!checker) checkers.set(type, (checker = Compile(CLIENT_FRAMES[type])));
  return checker;
};

const isFrameId = (id: unknown): id is FrameId => typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_ECHO);

/** Reads one client frame. Never throws: what cannot be read is an error that names the frame's id where it has one. */
export const decodeClientFrame = (text: string): Decoded => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { error: new RunnelError('bad-frame', 'This is not JSON.', { cause }) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { error: new RunnelError('bad-frame', 'A frame is a JSON object.') };
  }
  const { type, id } = value as { type?: unknown; id?: unknown };
  const echo = isFrameId(id) ? { id } : {};
  if (typeof type !== 'string') return { ...echo, error: new RunnelError('bad-frame', 'A frame has a `type`.') };
  if (!Object.hasOwn(CLIENT_FRAMES, type)) return { ...echo, error: new RunnelError('unknown-type') };
  if (!checkerOf(type as ClientFrameType).Check(value)) {
    return { ...echo, error: new RunnelError('bad-frame', `The fields of this ${type} frame do not fit.`) };
  }
  return { frame: value as ClientFrame };
};

/** W-6: the text as it will be stored, or why not. */
export const checkText = (text: string, limits: Pick<Limits, 'textChars'>): string => {
  const trimmed = text.trim();
  if (trimmed === '') throw new RunnelError('empty');
  if (trimmed.length > limits.textChars && [...trimmed].length > limits.textChars) {
    throw new RunnelError('too-long', `At most ${limits.textChars} characters.`);
  }
  return trimmed.isWellFormed() ? trimmed : trimmed.toWellFormed();
};

/** The short prefix that routing needs; everything behind it is forwarded unread (L-3). */
export interface EventPrefix {
  type: string;
  conversationId: string;
  offset: number;
}

const PREFIX = /^\{"type":"([a-z-]+)","conversationId":"([A-Za-z0-9_-]+)","offset":(\d+)[,}]/;

/** Reads the prefix every event of the log is written with; null for anything else (hints, resets). */
export const readPrefix = (head: string): EventPrefix | null => {
  const match = PREFIX.exec(head);
  return match && { type: match[1]!, conversationId: match[2]!, offset: Number(match[3]) };
};

const CHUNK_HEAD = '{"type":"chunk","conversationId":"';
const OFFSET_HEAD = '","offset":';
const ZERO = 48;

/** The offset of a chunk of this conversation, as `readPrefix` finds it but with nothing made on the way; 0 for anything else. */
export const readChunkOffset = (head: string, conversationId: string): number => {
  const idEnd = CHUNK_HEAD.length + conversationId.length;
  if (!head.startsWith(CHUNK_HEAD) || !head.startsWith(conversationId, CHUNK_HEAD.length) || !head.startsWith(OFFSET_HEAD, idEnd)) return 0;
  let offset = 0;
  let i = idEnd + OFFSET_HEAD.length;
  for (let digit; (digit = head.charCodeAt(i) - ZERO) >= 0 && digit <= 9; i++) offset = offset * 10 + digit;
  return head[i] === ',' || head[i] === '}' ? offset : 0;
};
