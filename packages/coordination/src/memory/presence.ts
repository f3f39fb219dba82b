import type { MemoryStore } from './store.ts';
import { HERE_TYPE, type PresenceNote } from '../presence.ts';

/** Screens by gateway, by conversation, of each store. */
const present = new WeakMap<MemoryStore, Map<string, Map<string, number>>>();

export const notePresence = (store: MemoryStore, { conversationId, holder, count }: PresenceNote): void => {
  const all = present.get(store) ?? new Map<string, Map<string, number>>();
  present.set(store, all);
  const here = all.get(conversationId) ?? new Map<string, number>();
  if (count > 0) here.set(holder, count);
  else here.delete(holder);
  if (here.size > 0) all.set(conversationId, here);
  else all.delete(conversationId);
  store.publish(conversationId, JSON.stringify({ type: HERE_TYPE, conversationId, by: holder, devices: Object.fromEntries(here) }));
};
