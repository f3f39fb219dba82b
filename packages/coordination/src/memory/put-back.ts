import type { ParkedRun } from '@runnel/protocol/http';
import { asCopied, stillOpen } from '../parked.ts';
import { normalPart } from '../parts.ts';
import type { MemoryConversation, MemoryStore } from './store.ts';

/** What `putback` does in Lua. False: this store knows better. */
export const putBack = (store: MemoryStore, conversation: MemoryConversation, parked: ParkedRun): boolean => {
  const { conversationId } = conversation;
  const { runId, parentId, model, startedAt, epoch, claims, used, trimmed, requestedModel, base, request } = parked;
  const open = stillOpen(parked);
  const held = store.runOf(conversationId, runId);
  // A store that went back still waits for what the database knows to be decided, of the same wait or of one before: it may have been carried out.
  const waits = conversation.active === runId && held?.status === 'running' && held.waiting !== null;
  const isBehind = waits && (held.epoch < epoch || (held.epoch === epoch && open.length === 0));
  if (!isBehind && (conversation.active !== null || conversation.messages.has(runId))) return false;
  if (!isBehind && (held ? held.status !== 'running' : conversation.ids.has(runId))) return false;
  conversation.active = runId;
  conversation.leaf = parentId;
  if (!conversation.ids.has(runId)) conversation.ids.set(runId, { runId, offset: 0 });
  if (held && !isBehind) return true;
  const now = store.now();
  const text = parked.text.toWellFormed();
  const bytes = Buffer.byteLength(text);
  store.putRun({
    ...{ conversationId, runId, status: 'running', parentId, model, startedAt, trace: '', request, text, bytes },
    ...{ parts: asCopied(parked.parts).map(normalPart), step: bytes, waiting: open.length > 0 ? open : null },
    ...{ epoch, owner: null, expires: 0, leaseMs: 0, tries: 0, cancel: null, nodes: [] },
    queuedAt: open.length > 0 ? null : now,
    copied: { claims, at: now },
    ...(used && { used }),
    ...(trimmed && { trimmed }),
    ...(requestedModel !== undefined && { requestedModel }),
    ...(base !== undefined && { base }),
  });
  if (open.length === 0) store.wake({ kind: 'free', conversationId, runId });
  return true;
};
