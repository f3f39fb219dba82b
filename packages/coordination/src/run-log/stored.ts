/** What the store keeps of a conversation and of a run. */
import type { Message, RunSnapshot } from '@runnel/protocol';

/** What of a run never changes. */
export type RunFacts = Pick<RunSnapshot, 'runId' | 'parentId' | 'model' | 'startedAt'>;

/** A message as the store keeps it, in order of creation. */
export type StoredMessage = Message;

/** What a conversation has of its own: text for its models, before the thread, and the model that answers where a prompt names none. */
export interface Preset {
  system?: string;
  model?: string;
}
