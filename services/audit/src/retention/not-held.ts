/** Condition on a table's `conversation_id`: neither it nor its owner is held. */
export const notHeld = (table: string): string => `NOT EXISTS (
  SELECT 1 FROM legal_hold h WHERE h.kind = 'conversation' AND h.subject = ${table}.conversation_id) AND NOT EXISTS (
  SELECT 1 FROM legal_hold h JOIN chat_session o ON o.user_id = h.subject WHERE h.kind = 'user' AND o.conversation_id = ${table}.conversation_id)`;

/** One process cuts at a time, and nobody waits for its turn. */
export const CUTTING = 7_201_107;
