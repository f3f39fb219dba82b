import { randomUUID } from 'node:crypto';
import type { Stranger } from './stranger.ts';

/** What somebody else knows of a conversation: every id in it, and nothing of what was said. */
export interface Target {
  conversationId: string;
  messageIds: string[];
  runIds: string[];
}

/** One way in. Resolves with everything that was answered, as text. */
export interface WayIn {
  name: string;
  /** Changes the conversation where nobody owns it, so it is left out while the owner has not made it yet. */
  makes?: boolean;
  enter(stranger: Stranger, target: Target): Promise<string>;
}

/** One of the ids; where none is known, one that names nothing. */
export const any = (stranger: Stranger, ids: readonly string[]): string => (ids.length > 0 ? stranger.random.pick(ids) : randomUUID());
