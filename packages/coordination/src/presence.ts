/** The published hint (not of the log) of `notePresence`: {by, devices: {gateway: count}}. Gateways make `presence` of it. */
export const HERE_TYPE = 'here';

/** On how many screens of a gateway a conversation is open. */
export interface PresenceNote {
  conversationId: string;
  /** The gateway, as in `noteHolder`. */
  holder: string;
  count: number;
}

export interface StorePresence {
  /** Tells all gateways that follow the conversation what every one has. Best effort. */
  notePresence(note: PresenceNote): Promise<void>;
}
