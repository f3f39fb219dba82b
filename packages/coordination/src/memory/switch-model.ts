import type { SwitchModel, SwitchModelResult } from '../run-log/run-log.ts';
import { refusal } from './refusal.ts';
import type { MemoryStore } from './store.ts';

/** What `switch-model.lua` does, in memory. */
export const switchModel = (store: MemoryStore, { conversationId, runId, epoch, model, trimmed }: SwitchModel): SwitchModelResult => {
  const run = store.runOf(conversationId, runId);
  const refused = refusal(run, epoch);
  if (refused) return { outcome: refused };
  const held = run!;
  if (held.cancel) return { outcome: 'cancelled' };
  if (held.model === model) return { outcome: 'duplicate' };
  if (held.parts.length > 0 || held.bytes > 0) return { outcome: 'begun' };
  const { parentId, startedAt, trace } = held;
  const requestedModel = held.requestedModel ?? held.model;
  Object.assign(held, { model, requestedModel, trimmed });
  const conversation = store.conversations.get(conversationId)!;
  const started = { runId, parentId, model, requestedModel, ...(trimmed && { trimmed }) };
  const offset = store.emit(conversation, 'run-started', { ...started, epoch, startedAt });
  store.audit(conversation, 'STREAM_STARTED', { ...started, startedAt }, trace);
  return { outcome: 'switched', offset };
};
