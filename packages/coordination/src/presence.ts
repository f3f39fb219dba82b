import type { RunRef } from './run-ref.ts';

/** The published hint (not of the log) of `notePresence`: {by, devices: {gateway: count}}. Gateways make `presence` of it. */
export const HERE_TYPE = 'here';

/** On how many screens of a gateway a conversation is open. */
export interface PresenceNote {
  conversationId: string;
  /** The gateway, as in `noteHolder`. */
  holder: string;
  count: number;
}

/** What people are told that is not in the log. */
export interface StorePresence {
  /** Tells all gateways that follow the conversation what every one has. Best effort. */
  notePresence(note: PresenceNote): Promise<void>;
  /**
   * Of these runs, those that wait for a pod, by `runKey`: their place from 1, by how long they have waited. Pods take half answers first,
   * and go round persons and models, so it may be any one's turn sooner or later. Of more than 32 the places between are estimated.
   */
  placesInLine(runs: readonly RunRef[]): Promise<Map<string, number>>;
}
