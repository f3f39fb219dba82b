import type { MemoryStore } from './memory-store.ts';
import { HERE_TYPE, type PresenceNote } from './presence.ts';

export const notePresence = (store: MemoryStore, { conversationId, holder, count }: PresenceNote): void => {
  const here = store.present.get(conversationId) ?? new Map<string, number>();
  if (count > 0) here.set(holder, count);
  else here.delete(holder);
  if (here.size > 0) store.present.set(conversationId, here);
  else store.present.delete(conversationId);
  store.publish(conversationId, JSON.stringify({ type: HERE_TYPE, conversationId, by: holder, devices: Object.fromEntries(here) }));
};
