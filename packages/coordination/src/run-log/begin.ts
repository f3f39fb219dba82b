/** How a run begins. */
import type { Message, Part, Role, Trimmed } from '@runnel/protocol';
import type { Doubt } from '../proofs.ts';
import type { Preset } from './stored.ts';
import type { OwnedRun } from '../run-ref.ts';

/** An earlier turn that a new conversation is made with. */
export interface SeedMessage {
  messageId: string;
  role: Role;
  text: string;
}

export interface BeginRun {
  conversationId: string;
  /** Becomes the conversation's owner when it is new; anybody else is `forbidden`. */
  userId: string;
  runId: string;
  model: string;
  /** The user's message (`prompt`), with its files as parts, or null to answer `parentId` once more (`regenerate`). */
  message: { messageId: string; text: string; parts?: readonly Part[] } | null;
  /** Undefined: the newest leaf. Null: a root. For a regenerate: the user message to answer. */
  parentId?: string | null;
  /**
   * Earlier turns, oldest first, that a NEW conversation begins with: each a `message` event and the parent of the next, before
   * the prompt's own. Ignored when the conversation exists or the command has no message.
   */
  seed?: readonly SeedMessage[];
  /** The caller has asked the database what it knows of the conversation (default), could not ask it, or wants to first: then none is made. */
  making?: 'no' | 'proven' | 'unproven';
  /** Tokens of a thread that the model takes: what of it has no room is told in `run-started` (`fitThread`). Absent: any. */
  room?: number;
  /** An answer to `parentId` that was cut: the run's text begins with its text. Not-found where there is none. */
  continues?: string;
  /** The model cannot look at pictures: a question with one is `unfit`, as is one whose files alone have no `room`. */
  blind?: boolean;
  /** Nobody named the model. Where the conversation has another one of its own, that is asked for instead (`other-model`). */
  preset?: boolean;
  /**
   * What the database has from the root on to the first message that is not here, where that is older than what the store keeps (`older`);
   * the run keeps it for who claims it. `ask`: it was not asked yet. Absent or empty: there is none, or nobody to ask.
   */
  thread?: 'ask' | readonly Message[];
  /** Title of a new conversation. */
  title: string;
  /** W3C `traceparent` of the command, carried in the outbox events. */
  trace?: string;
  /** JSON of what the model is asked beside the thread (`ModelRequest` of the protocol): kept until the run ends, for who claims it. */
  request?: string;
}
/** A conversation that begins as a branch of another one of the same person. Its messages keep their names, times, parts and proofs. */
export interface ForkConversation extends Preset {
  /** The new one's; a command that is repeated makes one. */
  conversationId: string;
  userId: string;
  title: string;
  /** Where it comes from, for the audit: the caller has seen that the person may read it. */
  from: { conversationId: string; messageId: string };
  /** From the root on, each the parent of the next; parts with all that was streamed of them. */
  messages: readonly Message[];
  /** As in `BeginRun`. */
  making?: 'no' | 'proven' | 'unproven';
}
export type ForkResult =
  | { outcome: 'forked' }
  /** It is here, and has the last of these messages. */
  | { outcome: 'duplicate' }
  /** Another conversation of the person has this id. */
  | { outcome: 'exists' }
  /** There is none, and none was to be made before the database was asked. */
  | { outcome: 'none' }
  /** It was deleted, and the database may not have heard of it. */
  | { outcome: 'gone' }
  | { outcome: 'overloaded' }
  | ({ outcome: 'forbidden' } & Doubt);

export type BeginRunResult =
  /** `offset`: of the `run-started` event. */
  | { outcome: 'started'; runId: string; offset: number }
  /** The message or the run was seen before: the run it made then. */
  | { outcome: 'duplicate'; runId: string; offset: number }
  | { outcome: 'busy'; runId: string }
  /** Nothing is begun: the model was `preset`, and this is the conversation's own. */
  | { outcome: 'other-model'; model: string }
  | ({ outcome: 'forbidden' } & Doubt)
  /** There is none, and none was to be made. */
  | { outcome: 'none' }
  /** The store changed behind it, and the database was not asked (`making: 'no'`): it may know the message, and its answer. */
  | { outcome: 'lossy' }
  /** The thread above it is older than what the store keeps, and the database was not asked (`thread: 'ask'`): from where on. */
  | { outcome: 'older'; messageId: string }
  /** `parentId` is not a message of this conversation, or `continues` no answer to it that was cut. */
  | { outcome: 'not-found' }
  /** The question has files that the model cannot take: it sees nothing, or has no room for so much. */
  | { outcome: 'unfit'; why: 'blind' | 'room' }
  /** The outbox is full: refusing a prompt beats losing an event. */
  | { outcome: 'overloaded' };

export interface SwitchModel extends OwnedRun {
  model: string;
  /** What of the thread this model does not get. */
  trimmed?: Trimmed | undefined;
}
export type SwitchModelResult =
  | { outcome: 'switched'; offset: number }
  /** It has that model already. */
  | { outcome: 'duplicate' }
  /** Some of the answer stands: it stays with the model that said it. */
  | { outcome: 'begun' }
  | { outcome: 'cancelled' }
  | { outcome: 'fenced' }
  | { outcome: 'closed' }
  | { outcome: 'gone' };
