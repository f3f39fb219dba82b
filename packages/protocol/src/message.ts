import type { Part } from './parts.ts';

export type Role = 'user' | 'assistant' | 'system';
export type EndReason = 'complete' | 'cancelled' | 'failed' | 'interrupted';
/** How the model stopped, by its provider's word: by itself, at a length limit, by a content filter, to call a tool, or broken. */
export const FINISHES = ['stop', 'length', 'filter', 'tools', 'error'] as const;
export type Finish = (typeof FINISHES)[number];
/** `deleted`: the text is gone, the place in the tree stays. */
export type MessageStatus = EndReason | 'deleted';

/** What was left out of a thread so that it fits its model. */
export interface Trimmed {
  messages: number;
  /** About. */
  tokens: number;
}

export interface Message {
  messageId: string;
  parentId: string | null;
  role: Role;
  text: string;
  status: MessageStatus;
  /** Of an answer: how the model stopped. Absent where it was stopped, and in what older pods wrote. */
  finish?: Finish;
  /** Of an answer: what of the conversation its model did not get, for it had no room. */
  trimmed?: Trimmed;
  model?: string;
  /** What was asked for, where another model answered in its place. */
  requestedModel?: string;
  /** Milliseconds since the epoch, by Redis's clock. */
  createdAt: number;
  author?: string;
  /** In order of `index`; absent without parts. Long fields are cut (`truncated`). */
  parts?: readonly Part[];
  /** Of an answer. Absent in what older pods wrote, and in what the database had to put back. */
  usage?: Usage;
  /** Of a whole answer. */
  receipt?: Receipt;
}

/**
 * What proves an answer and says how it came to be: of whole answers alone, never of one that was cut, stopped, failed or deleted, or has no
 * text. Absent in what older pods wrote.
 */
export interface Receipt {
  /** Hex digest of the whole text in UTF-8, and its length. */
  sha256: string;
  bytes: number;
  usage?: Usage;
  /** ms from `run-started` to the first word, where its first owner also ended it. */
  firstWordMs?: number;
  /** ms from `run-started` to `run-ended`. */
  durationMs: number;
  /** The pods that wrote it, in order. */
  nodes: string[];
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** Its provider told none of it, or not all: about a token for four bytes. */
  estimated?: boolean;
}
