import { LIMITS } from '../limits.ts';
import { runOfMessages } from '../messages.ts';
import { filesOf, normalPart } from '../parts.ts';
import { emitWhole } from './parts.ts';
import type { MemoryStore } from './store.ts';
import type { RestoreRun, RestoreRunResult, StoredMessage } from '../run-log/run-log.ts';

const partsOf = (messages: readonly StoredMessage[]): StoredMessage[][] => {
  const parts: StoredMessage[][] = [[]];
  let size = 0;
  for (const message of messages) {
    const bytes = Buffer.byteLength(JSON.stringify(message));
    if (size > 0 && size + bytes > LIMITS.toldBytes) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)!.push(message);
    size += bytes;
  }
  return parts;
};

/** What `restore-run.lua` does, in memory. Memory is lost with its owner, so only tests and the contract come here. */
export const restoreRun = (store: MemoryStore, command: RestoreRun): RestoreRunResult => {
  const { conversationId, epoch, owner, leaseMs, newLogId, userId, title, messages, claimed } = command;
  const { runId, parentId, model, startedAt } = command.run;
  const existing = store.conversations.get(conversationId);
  const known = store.runOf(conversationId, runId);
  const text = command.text.toWellFormed();
  const bytes = Buffer.byteLength(text);
  if ((known && known.status !== 'running') || (existing && existing.userId !== userId)) return { outcome: 'closed' };
  if (existing?.active && existing.active !== runId) return { outcome: 'busy' };
  if (known) {
    if (known.epoch > epoch || (known.epoch === epoch && known.owner !== owner)) return { outcome: 'fenced' };
    if (known.epoch === epoch && existing?.logId === newLogId && known.text === text) return { outcome: 'restored', logId: newLogId };
    if (claimed !== undefined && (known.epoch !== claimed || known.owner !== owner)) return { outcome: 'fenced' };
  } else if (claimed !== undefined) return { outcome: 'fenced' };
  else if (existing?.ids.has(runId)) return { outcome: 'closed' };

  const isRemade = existing !== undefined && !known;
  const conversation = existing ?? store.create(conversationId, userId, title, newLogId);
  if (!existing) Object.assign(conversation, { trimmed: true, untitled: true });
  if (!isRemade)
    Object.assign(conversation, {
      logId: newLogId,
      offset: 0,
      auditSequence: 0,
      log: [],
      generation: store.generation.n,
      before: null,
      lossy: store.now(),
    });
  else store.recheck(conversation);
  // What is older than what is kept here is not put behind it: it stays with the run.
  const [eldest] = existing?.trimmed ? existing.messages.values() : [];
  for (const { message, madeRun } of runOfMessages(messages, command.run)) {
    if (conversation.ids.has(message.messageId) || message.createdAt < (eldest?.createdAt ?? 0)) continue;
    conversation.ids.set(message.messageId, { runId: madeRun, offset: 0 });
    store.keep(conversation, message);
    if (isRemade) store.emit(conversation, 'message', { message });
  }
  const missed = runOfMessages(messages, command.run).flatMap(({ message }) =>
    conversation.messages.has(message.messageId) ? [] : [message],
  );
  const now = store.now();
  const { trace = '', cancel = null, base, trimmed, requestedModel, nodes = [] } = known ?? {};
  store.putRun({
    conversationId,
    runId,
    status: 'running',
    parentId,
    model,
    startedAt,
    trace,
    request: command.request,
    text,
    bytes,
    parts: command.parts?.map(normalPart) ?? [],
    step: command.step ?? 0,
    waiting: null,
    epoch,
    owner,
    expires: now + leaseMs,
    leaseMs: leaseMs,
    tries: known?.tries ?? 0,
    cancel,
    queuedAt: null,
    nodes: nodes.at(-1) === owner ? nodes : [...nodes, owner],
    ...(base !== undefined && { base }),
    ...(trimmed && { trimmed }),
    ...(requestedModel !== undefined && { requestedModel }),
    ...(missed.length > 0 && { thread: missed }),
  });
  conversation.active = runId;
  conversation.leaf = parentId;
  const moved = { runId, epoch, bytes, restarted: false };
  const offset = isRemade
    ? store.emit(conversation, 'run-started', { runId, parentId, model, epoch, startedAt })
    : store.emit(conversation, 'run-moved', moved);
  if (isRemade && bytes > 0) store.emit(conversation, 'chunk', { runId, at: 0, t: now, text });
  if (isRemade) for (const part of command.parts ?? []) emitWhole(store, conversation, runId, part);
  conversation.ids.set(runId, { runId, offset });
  const restored = { ...moved, kind: 'restore' as const, owner, title, parentId, model, startedAt };
  for (const [i, part] of partsOf(messages).entries())
    store.audit(conversation, 'RECOVERY_ATTEMPT', {
      ...restored,
      ...(i > 0 && { part: i + 1 }),
      messages: part.map(({ parts: _, ...message }) => message),
    });
  for (const { message } of runOfMessages(messages, command.run))
    for (const { facts } of filesOf(message)) store.audit(conversation, 'PART_CHANGED', { runId: message.messageId, ...facts });
  store.touch(conversation);
  store.whose.hold(conversationId, userId);
  return { outcome: 'restored', logId: conversation.logId };
};
