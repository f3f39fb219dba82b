import { utf8Length } from './position.ts';
import { sha256 } from './sha256.ts';

// The parts of an answer beside its text: what the model thought, the tools it used, what it asked, where it has things from. They obey
// the laws of the text. Pure; runs in browsers.

export const PART_KINDS = ['reasoning', 'tool', 'question', 'source', 'file'] as const;
export type PartKind = (typeof PART_KINDS)[number];

const WORKING = ['open', 'input', 'ready', 'waiting', 'approved', 'running', 'unknown'] as const;
const FINALS = ['done', 'failed', 'denied', 'answered', 'dismissed'] as const;
export const PART_STATES = [...WORKING, ...FINALS] as const;
export type PartState = (typeof PART_STATES)[number];

/** Fields that grow by `part-chunk`, in the order in which they are hashed. */
export const PART_FIELDS = ['text', 'input', 'output'] as const;
export type PartField = (typeof PART_FIELDS)[number];

export interface Approval {
  policy: 'never' | 'ask';
  decision?: 'approved' | 'denied';
  /** The userId of who decided. */
  by?: string;
  /** ms since the epoch. */
  at?: number;
}

/** A field of a form of MCP's elicitation. */
export interface FormField {
  form: string;
  /** Empty: the form has no fields, it is agreed to or not. */
  name: string;
  /** The server's own words on what fits. */
  schema: Record<string, unknown>;
  required?: boolean;
}

export interface Asks {
  /** The forms, as their server names them. */
  forms: string[];
  /** How often people were asked for this call. */
  rounds: number;
  /** The server's own, given back to it as it came. */
  state?: string;
}

/** One part. Which fields it has depends on its kind; those of a later version are kept and not understood. */
export interface Part {
  /** Made by Runnel, unique in the conversation. */
  partId: string;
  /** From 0, gap-free within the message. */
  index: number;
  /** It stands before this byte of the message's text. */
  at: number;
  kind: PartKind;
  state: PartState;
  /** `reasoning`, `question`. */
  text?: string;
  /** Of a tool: its own name, the server's id, what the server calls it. */
  name?: string;
  server?: string;
  title?: string;
  /** The arguments as the model wrote them, byte for byte. */
  input?: string;
  output?: string;
  error?: { code: string; message: string };
  approval?: Approval;
  /** Of a tool that was called: 1, and one more at each further call. */
  attempt?: number;
  startedAt?: number;
  endedAt?: number;
  choices?: string[];
  answer?: string;
  /** Of a question that a tool asks in the course of its call: the part of that call, and which field of which form it fills. */
  of?: string;
  field?: FormField;
  /** Of a call whose tool has asked: what it goes on with when its questions are decided. Nothing of it runs meanwhile. */
  asks?: Asks;
  /** Of a call: which request to the model it belongs to, from 0, and its provider's name for it. */
  step?: number;
  callId?: string;
  /** What was said with a decision, for the model. */
  note?: string;
  url?: string;
  snippet?: string;
  fileId?: string;
  mediaType?: string;
  width?: number;
  height?: number;
  /** Of a file that is read as text: about how many tokens that is. */
  tokens?: number;
  /** In a final state, and of a file: of its content. */
  bytes?: number;
  sha256?: string;
  /** Of a finished message: a field was cut here; the whole part can be asked for. */
  truncated?: boolean;
}

/** What stands in the end of a run for its parts (W-16). */
export interface PartsSum {
  count: number;
  sha256: string;
}

const FINAL: ReadonlySet<string> = new Set(FINALS);
export const isFinal = ({ state }: Pick<Part, 'state'>): boolean => FINAL.has(state);

/** Waits for a person. */
export const isWaiting = ({ state }: Pick<Part, 'state'>): boolean => state === 'waiting' || state === 'unknown';

/** What is streamed of a part, in the order in which it is hashed. */
export const contentOf = (part: Part): string => (part.text ?? '') + (part.input ?? '') + (part.output ?? '');

export type Digest = (text: string) => string;

const encoder = new TextEncoder();
/** Hex SHA-256 in plain code: for a page without TLS, and where an answer must not wait. */
export const plainDigest: Digest = (text) =>
  Array.from(sha256(encoder.encode(text)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Of a part's content. A file's is what its upload said; a source has none. */
export const sealOf = (part: Part, digest: Digest = plainDigest): { bytes: number; sha256: string } => {
  if (part.kind === 'file') return { bytes: part.bytes ?? 0, sha256: part.sha256 ?? digest('') };
  // Cut fields cannot be hashed again: what the end said counts.
  if (part.truncated && part.sha256 !== undefined) return { bytes: part.bytes ?? 0, sha256: part.sha256 };
  const content = part.kind === 'source' ? '' : contentOf(part);
  return { bytes: utf8Length(content), sha256: digest(content) };
};

/** Number and digest of the parts: one line a part in order of `index`. */
export const sumOf = (parts: readonly Part[], digest: Digest = plainDigest): PartsSum => {
  const lines = parts.map((part) => {
    const { bytes, sha256: sealed } = sealOf(part, digest);
    return `${part.partId} ${part.kind} ${part.at} ${part.state} ${bytes} ${sealed}\n`;
  });
  return { count: parts.length, sha256: digest(lines.join('')) };
};

/** A part as its run's end leaves it. `unknown` stays: nobody will learn it any more. */
export const closePart = (part: Part, why: 'cancelled' | 'interrupted', now: number): Part => {
  if (isFinal(part)) return part;
  if (part.kind === 'question') return { ...part, state: 'dismissed', endedAt: now };
  if (part.kind !== 'tool') return { ...part, state: 'done', endedAt: now };
  if (part.state === 'running' || part.state === 'unknown') return { ...part, state: 'unknown', endedAt: now };
  const message = why === 'cancelled' ? 'The answer was cancelled before the call.' : 'The answer ended before the call.';
  return { ...part, state: 'failed', error: { code: why, message }, endedAt: now };
};

/** Of a field of a part that is shown with a finished message. */
export const SHOWN_BYTES = 16 * 1024;

const cutText = (text: string): string => {
  let cut = text.slice(0, SHOWN_BYTES);
  while (utf8Length(cut) > SHOWN_BYTES) cut = cut.slice(0, Math.floor(cut.length * 0.9));
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
};

/** As a finished message carries it: long fields cut. */
export const shownPart = (part: Part): Part => {
  const long = PART_FIELDS.filter((field) => utf8Length(part[field] ?? '') > SHOWN_BYTES);
  if (long.length === 0) return part;
  return { ...part, ...sealOf(part), ...Object.fromEntries(long.map((field) => [field, cutText(part[field]!)])), truncated: true };
};

/** Who follows holds these parts; `part` and `part-chunk` change them. Null: what is held contradicts the log (W-8). */
export const withPart = (parts: readonly Part[], part: Part): readonly Part[] | null => {
  const known = parts[part.index];
  if (known === undefined) return part.index === parts.length ? [...parts, part] : null;
  if (known.partId !== part.partId || isFinal(known)) return null;
  const streamed = Object.fromEntries(PART_FIELDS.flatMap((field) => (known[field] === undefined ? [] : [[field, known[field]]])));
  return parts.with(part.index, { ...part, ...streamed, ...(part.kind === 'question' && part.text !== undefined && { text: part.text }) });
};

/** W-9 for parts: appends at the byte that is held, drops what is held, refuses anything else. */
export const withChunk = (
  parts: readonly Part[],
  { partId, field, at, text }: { partId: string; field: PartField; at: number; text: string },
): readonly Part[] | null => {
  const index = parts.findIndex((part) => part.partId === partId);
  const part = parts[index];
  if (part === undefined) return null;
  const held = part[field] ?? '';
  const bytes = utf8Length(held);
  if (at + utf8Length(text) <= bytes) return parts;
  return at === bytes ? parts.with(index, { ...part, [field]: held + text }) : null;
};
