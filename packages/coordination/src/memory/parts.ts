import { isDeepStrictEqual } from 'node:util';
import { isFinal, isWaiting, utf8Length, type Part } from '@runnel/protocol';
import { asBegun, bare, factsOf, partJson, normalPart, standingOf, streamedBytes } from '../parts.ts';
import type {
  AppendChunkResult,
  AppendPartChunk,
  DecidePart,
  DecidePartResult,
  ParkRun,
  ParkRunResult,
  PutPart,
  PutPartResult,
} from '../run-log/run-log.ts';
import { refusal } from './refusal.ts';
import type { MemoryConversation, MemoryRun, MemoryStore } from './store.ts';

/** Its content does not go along: it came by `part-chunk`. */
export const emitPart = (store: MemoryStore, conversation: MemoryConversation, runId: string, part: Part): number =>
  store.emit(conversation, 'part', { runId, part: bare(part) });

/** A part into a log that is written anew: its content goes under a state in which it may grow. */
export const emitWhole = (store: MemoryStore, conversation: MemoryConversation, runId: string, part: Part): void => {
  const begun = asBegun(part);
  emitPart(store, conversation, runId, begun);
  for (const field of part.kind === 'question' ? [] : (['text', 'input', 'output'] as const)) {
    const text = part[field] ?? '';
    if (text !== '')
      store.emit(conversation, 'part-chunk', { runId, partId: part.partId, field, at: 0, t: store.now(), text: text.toWellFormed() });
  }
  if (begun !== part) emitPart(store, conversation, runId, part);
};

/** What `put-part.lua` does, in memory. */
export const putPart = (store: MemoryStore, { conversationId, runId, epoch, part, from, step }: PutPart): PutPartResult => {
  const run = store.runOf(conversationId, runId);
  const refused = refusal(run, epoch);
  if (refused) return { outcome: refused };
  const held = run!;
  const kept = held.parts.find(({ partId }) => partId === part.partId);
  if (kept && partJson(kept) === partJson(part)) return { outcome: 'duplicate' };
  if (held.cancel) return { outcome: 'cancelled' };
  if (!kept && (from !== null || held.parts.length !== part.index)) return { outcome: 'gap' };
  if ((kept?.state ?? null) !== from || (kept && isFinal(kept))) return { outcome: 'changed' };
  if ((kept ? streamedBytes(kept) : 0) !== streamedBytes(part)) return { outcome: 'gap' };
  held.parts[part.index] = normalPart(part);
  if (step !== undefined) held.step = step;
  const conversation = store.conversations.get(conversationId)!;
  const offset = emitPart(store, conversation, runId, part);
  store.audit(conversation, 'PART_CHANGED', { runId, ...factsOf(part) }, held.trace);
  return { outcome: 'put', offset };
};

/** What `append-part-chunk.lua` does, in memory. */
export const appendPartChunk = (
  store: MemoryStore,
  { conversationId, runId, epoch, partId, field, at, text, t }: AppendPartChunk,
): AppendChunkResult => {
  const run = store.runOf(conversationId, runId);
  const refused = refusal(run, epoch);
  if (refused) return { outcome: refused };
  const held = run!;
  const part = held.parts.find((one) => one.partId === partId);
  if (!part) return { outcome: 'gone' };
  const chunk = text.toWellFormed();
  const known = part[field] ?? '';
  const bytes = utf8Length(known);
  if (bytes !== at) {
    const end = at + utf8Length(chunk);
    const stands = end <= bytes && Buffer.from(known).subarray(at, end).equals(Buffer.from(chunk));
    return stands ? { outcome: 'duplicate' } : { outcome: 'gap', bytes };
  }
  if (held.cancel) return { outcome: 'cancelled' };
  if (isFinal(part)) return { outcome: 'closed' };
  if (chunk !== '') held.parts[part.index] = { ...part, [field]: known + chunk };
  const conversation = store.conversations.get(conversationId)!;
  return { outcome: 'appended', offset: store.emit(conversation, 'part-chunk', { runId, partId, field, at, t, text: chunk }) };
};

/** With all that another store needs to go on with it, should this one forget it. */
const tellWaiting = (
  store: MemoryStore,
  conversation: MemoryConversation,
  held: MemoryRun,
  { runId, epoch, partIds, bytes, usage }: ParkRun,
): void => {
  const { parentId, model, startedAt, trimmed, requestedModel, base, request, text } = held;
  const facts = {
    ...{ parentId, model, startedAt, parts: held.parts.length },
    ...(usage && { used: { usage, bytes } }),
    ...(trimmed && { trimmed }),
    ...(requestedModel !== undefined && { requestedModel }),
    ...(base !== undefined && { base }),
    ...(request && { request: { text: request } }),
  };
  store.audit(conversation, 'RUN_WAITING', { runId, epoch, bytes, partIds: [...partIds], ...facts, text }, held.trace);
};

/** What `park-run.lua` does, in memory. */
export const parkRun = (store: MemoryStore, command: ParkRun): ParkRunResult => {
  const { conversationId, runId, epoch, partIds, bytes, parts, usage, tell } = command;
  const run = store.runOf(conversationId, runId);
  const refused = refusal(run, epoch);
  if (refused) return { outcome: refused };
  const held = run!;
  if (held.cancel) return { outcome: 'cancelled' };
  if (held.bytes !== bytes) return { outcome: 'gap', bytes: held.bytes };
  for (const partId of partIds) {
    const part = held.parts.find((one) => one.partId === partId);
    if (!part) return { outcome: 'gone' };
    if (!isWaiting(part)) return { outcome: 'changed' };
  }
  if (parts && !isDeepStrictEqual(standingOf(parts), standingOf(held.parts))) return { outcome: 'gone' };
  const conversation = store.conversations.get(conversationId)!;
  const what = `${epoch} ${bytes} ${partIds.join()}`;
  if (held.told !== what) tellWaiting(store, conversation, held, command);
  held.told = tell ? what : undefined;
  if (tell) return { outcome: 'told' };
  Object.assign(held, { owner: null, expires: 0, queuedAt: null, tries: 0, waiting: [...partIds], step: bytes });
  if (usage) held.used = { usage, bytes };
  else delete held.used;
  const offset = store.emit(conversation, 'run-waiting', { runId, partIds });
  store.touch(conversation);
  return { outcome: 'parked', offset };
};

/** What `decide-part.lua` does, in memory. */
export const decidePart = (store: MemoryStore, command: DecidePart): DecidePartResult => {
  const { conversationId, runId, userId, decision, expected, part, inputSha256 } = command;
  const conversation = store.conversations.get(conversationId);
  const run = store.runOf(conversationId, runId);
  if (!conversation || !run) return { outcome: 'gone' };
  if (conversation.userId !== userId) return { outcome: 'forbidden' };
  if (run.status !== 'running' || run.cancel) return { outcome: 'closed' };
  const kept = run.parts[part.index];
  if (!kept || partJson(kept) !== partJson(expected) || !isWaiting(kept)) return { outcome: 'changed' };
  run.parts[part.index] = normalPart(part);
  const offset = emitPart(store, conversation, runId, part);
  const facts = { ...factsOf(part), decision, decidedBy: userId, ...(inputSha256 !== undefined && { inputSha256 }) };
  store.audit(conversation, 'PART_DECIDED', { runId, ...facts }, run.trace);
  const { waiting } = run;
  if (waiting === null) store.wake({ kind: 'decided', conversationId, runId });
  else if (!run.parts.some((one) => waiting.includes(one.partId) && isWaiting(one))) {
    Object.assign(run, { waiting: null, queuedAt: store.now() });
    store.wake({ kind: 'free', conversationId, runId });
  }
  return { outcome: 'decided', offset };
};
