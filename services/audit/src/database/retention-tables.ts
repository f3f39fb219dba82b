import type { Columns } from './sql.ts';

/** Up to where an act of retention took a conversation's messages. */
export interface TextCutRow {
  conversationId: string;
  /** Place of the event in the admins' log that tells of it. */
  act: number;
  /** Of the newest message that may be gone. */
  position: number;
  /** 1: nothing was left of it, and its title went, too. */
  ended: number;
}
export const TEXT_CUT: Columns<TextCutRow> = {
  conversationId: ['conversation_id', 'text'],
  act: ['act', 'bigint'],
  position: ['position', 'bigint'],
  ended: ['ended', 'bigint'],
};

/** What is kept for a court, whatever retention and deletions say. */
export interface HoldRow {
  holdId: string;
  kind: string;
  /** Id of the person or of the conversation. */
  subject: string;
  /** What the lawyers call it; may be empty. */
  matter: string;
  since: number;
  act: number;
}
export const HOLD: Columns<HoldRow> = {
  holdId: ['hold_id', 'text'],
  kind: ['kind', 'text'],
  subject: ['subject', 'text'],
  matter: ['matter', 'text'],
  since: ['since', 'bigint'],
  act: ['act', 'bigint'],
};

/** Something that was deleted while it was held. */
export interface HeldRow {
  conversationId: string;
  kind: string;
  /** Id of the message or the part. */
  name: string;
  position: number;
  role: string;
  body: string;
}
export const HELD: Columns<HeldRow> = {
  conversationId: ['conversation_id', 'text'],
  kind: ['kind', 'text'],
  name: ['name', 'text'],
  position: ['position', 'bigint'],
  role: ['role', 'text'],
  body: ['body', 'text'],
};
