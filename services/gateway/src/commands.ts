import type { SeedMessage } from '@runnel/coordination';

/** Who gives a command. */
export interface Caller {
  userId: string;
  /** W3C `traceparent`, carried to the AI pod and into the outbox. */
  trace?: string;
}

export interface PromptCommand {
  conversationId: string;
  messageId: string;
  text: string;
  parentId?: string | null;
  runId?: string;
  model?: string;
  /** Earlier turns for a conversation that is new (`/v1`); passed to `beginRun` as they are. */
  seed?: readonly SeedMessage[];
}
export interface RegenerateCommand {
  conversationId: string;
  parentId: string;
  runId?: string;
  model?: string;
}
export interface RunAnswer {
  runId: string;
  /** Offset of `run-started`. */
  offset: number;
  duplicate: boolean;
}

/**
 * What a user can do, the same over WebSocket, HTTP and `/v1`. Every method rejects with a RunnelError whose code is
 * one of the protocol's; `unavailable` within a second when the store is down. Repeating a command is safe (W-4).
 */
export interface Commands {
  /** empty, too-long, model-unknown, rate-limited, busy (with runId), forbidden, not-found (parent), overloaded */
  prompt(caller: Caller, command: PromptCommand): Promise<RunAnswer>;
  regenerate(caller: Caller, command: RegenerateCommand): Promise<RunAnswer>;
  /** forbidden, not-found. Answers at once; this node sees to it that the run ends (P-5). */
  cancel(caller: Caller, command: { conversationId: string; runId: string }): Promise<{ outcome: 'cancelling' | 'already-ended' }>;
  deleteMessage(caller: Caller, command: { conversationId: string; messageId: string }): Promise<{ offset: number }>;
  deleteConversation(caller: Caller, command: { conversationId: string }): Promise<void>;
  setTitle(caller: Caller, command: { conversationId: string; title: string }): Promise<{ offset: number }>;
  /** Only for a conversation the caller follows on this node; otherwise not-found. */
  typing(caller: Caller, command: { conversationId: string; active: boolean }): Promise<void>;
}
