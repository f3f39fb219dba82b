import type { ConversationState } from '@runnel/protocol';
import type { Resume, Sync, Verified } from './conversation-core.ts';
import type { Problem } from '../api/errors.ts';
import type { PendingPrompt } from '../prompts/pending-prompt.ts';

/** What a page draws. */
export interface ConversationView {
  conversation: ConversationState;
  sync: Sync;
  lastResume: Resume | null;
  verified: Verified;
  /** How often a text on this screen was wrong and was replaced (W-10). */
  mismatches: number;
  /** Prompts the log has not shown yet, oldest first. */
  pending: readonly PendingPrompt[];
  /** Users who are writing now. */
  typing: readonly string[];
  /** Users who have the conversation open. */
  presence: readonly string[];
  /** On how many screens it is open, this one included; at most 100. */
  devices: number;
  /** Where in line the running answer stands, from 1, while no pod has it; null: it does not wait, or that is not known. */
  place: number | null;
  /** Why it cannot be followed: `forbidden`, `not-found`, … */
  problem: Problem | null;
}
