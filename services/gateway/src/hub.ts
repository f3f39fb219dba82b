import type { Follow, FollowRequest } from './follower.ts';

/** Conversation → followers. One subscription per conversation, shared by all of them. */
export interface Hub {
  /** Starts a follow at once; what it brings goes to the sink (W-7). */
  follow(request: FollowRequest): Follow;
  /** A command of this node started a run: its events must come, by the channel or by reading. */
  expectRun(conversationId: string): void;
  /** The log of a conversation has changed: followers of this node read it, should the channel have lost it. */
  poke(conversationId: string): void;
  /** Resolves true when `run-ended` of this run passes, false after `deadlineMs`. False at once when nobody here follows. */
  sawEnd(conversationId: string, runId: string, deadlineMs: number): Promise<boolean>;
  /** Whether this user follows the conversation on this node, with the owner checked. */
  isFollowedBy(conversationId: string, userId: string): boolean;
  /** Whether a run is being written in the conversation, as far as this node knows. */
  hasLiveRun(conversationId: string): boolean;
  /**
   * Every byte of the log a node caches must be watched: calls `changed` on any event of the conversation other than
   * `chunk`, and when the channel was interrupted. Returns the end of the watch; null when nobody here follows it.
   */
  watch(conversationId: string, changed: () => void): (() => void) | null;
  close(): Promise<void>;
}
