import { newId, type Message } from '@runnel/protocol';
import type { AuditData, AuditEventType, OutboxEntry, OutboxFields } from '@runnel/protocol/audit';
import type { MemoryRun } from './memory-run.ts';
import { Whose } from './whose.ts';
import { LIMITS, MEMORY_LIMITS } from '../limits.ts';
import { timelineFields, type TimelineBatch, type WithoutUser } from '../outbox-entries.ts';
import type { MemoryConversation } from './records.ts';
import type { ChannelListener, WorkHint } from '../run-log/run-log.ts';

export type { MemoryRun } from './memory-run.ts';
export type * from './records.ts';

export interface MemoryCopy {
  conversations: Map<string, MemoryConversation>;
  runs: Map<string, MemoryRun>;
  outbox: OutboxEntry[];
  deleted: Map<string, { userId: string | null; until: number }>;
  ended: { run: MemoryRun; at: number }[];
}

/** Where outbox entries are kept beside the memory. */
export interface DurableOutbox {
  /** Called within the command that makes the entry. */
  wrote(entry: OutboxEntry): void;
  /** Resolves when all that was written so far is safe; null when it is. Never rejects. */
  pending(): Promise<void> | null;
}

/** What the memory run log holds; the small pieces that its commands share, as the includes are for Lua. Everything is bounded. */
export class MemoryStore {
  readonly conversations = new Map<string, MemoryConversation>();
  readonly runs = new Map<string, MemoryRun>();
  readonly followers = new Map<string, Set<ChannelListener>>();
  readonly workers = new Set<(hint: WorkHint) => void>();
  /** Models by when a pod that has them last looked; as many as pods of this process name. */
  readonly seenModels = new Map<string, number>();
  readonly outbox: OutboxEntry[] = [];
  readonly outboxCap: number;
  readonly now: () => number;
  readonly whose: Whose;
  /** Runs that have ended, oldest first, with the time they are forgotten. */
  readonly #ended: { run: MemoryRun; at: number }[] = [];
  /** Deleted conversations by the time their deletion may be forgotten, oldest first; `userId` null: everybody's. */
  readonly #deleted = new Map<string, { userId: string | null; until: number }>();
  /** As in Redis: which history of the store this is, and since when. Only tests raise it. */
  readonly generation = { n: 0, since: 0 };
  readonly changes = new Set<() => void>();
  changedAt = Number.NEGATIVE_INFINITY;
  readonly #durable: DurableOutbox | undefined;
  #entries = 0;

  constructor(now: () => number, outboxCap: number, durable?: DurableOutbox) {
    this.now = now;
    this.#durable = durable;
    this.whose = new Whose(now);
    this.outboxCap = outboxCap;
  }

  runOf(conversationId: string, runId: string): MemoryRun | undefined {
    return this.runs.get(`${conversationId}:${runId}`);
  }

  putRun(run: MemoryRun): void {
    this.runs.set(`${run.conversationId}:${run.runId}`, run);
  }

  forgetLater(run: MemoryRun): void {
    this.#ended.push({ run, at: this.now() + LIMITS.endedRunMs });
  }

  create(conversationId: string, userId: string, title: string, logId: string = newId()): MemoryConversation {
    const conversation: MemoryConversation = {
      conversationId,
      userId,
      logId,
      offset: 0,
      auditSequence: 0,
      title,
      createdAt: this.now(),
      leaf: null,
      active: null,
      messages: new Map(),
      ids: new Map(),
      log: [],
      trimmed: false,
      unproven: false,
      generation: this.generation.n,
      lossy: null,
      before: null,
      touchedAt: this.now(),
      changedAt: this.now(),
    };
    this.conversations.set(conversationId, conversation);
    return conversation;
  }

  /** One event of the log: offset, entry and publication together (L-2, L-3). */
  emit(conversation: MemoryConversation, type: string, fields: object): number {
    const { conversationId } = conversation;
    const offset = ++conversation.offset;
    const json = JSON.stringify({ type, conversationId, offset, ...(offset === 1 && { logId: conversation.logId }), ...fields });
    conversation.log.push({ offset, json });
    if (conversation.log.length > LIMITS.logEvents * 2) conversation.log = conversation.log.slice(-LIMITS.logEvents);
    this.publish(conversationId, json);
    return offset;
  }

  publish(conversationId: string, json: string): void {
    const listeners = this.followers.get(conversationId);
    if (!listeners?.size) return;
    const bytes = Buffer.from(json);
    const deliver = (): void => {
      for (const listener of listeners) listener.message(bytes);
    };
    // In a turn of its own, as from a network: a listener may call the run log again.
    if (this.#durable === undefined) queueMicrotask(deliver);
    else queueMicrotask(() => this.#whenSafe(deliver));
  }

  /** Asked when the command is over, which publishes before it writes its entry. Two steps always, so that events keep their order. */
  #whenSafe(deliver: () => void): void {
    const pending = this.#durable?.pending();
    if (pending) void pending.then(deliver);
    else queueMicrotask(deliver);
  }

  wake(hint: WorkHint): void {
    queueMicrotask(() => {
      for (const listener of this.workers) listener(hint);
    });
  }

  audit<T extends AuditEventType>(conversation: MemoryConversation, type: T, data: WithoutUser<AuditData[T]>, trace = ''): void {
    this.tell({
      id: `${conversation.logId}:a${++conversation.auditSequence}`,
      type,
      conversation: conversation.conversationId,
      time: `${this.now()}`,
      data: JSON.stringify({ userId: conversation.userId, ...data }),
      trace,
    });
  }

  /** One entry of the outbox. */
  tell(fields: OutboxFields): void {
    const entry = { entryId: `${++this.#entries}-0`, fields };
    this.outbox.push(entry);
    this.#durable?.wrote(entry);
    if (this.outbox.length > this.outboxCap * 2) this.outbox.shift();
  }

  keep(conversation: MemoryConversation, message: Message): void {
    conversation.messages.set(message.messageId, message);
    if (conversation.messages.size <= LIMITS.messages) return;
    for (const oldest of conversation.messages.keys()) {
      conversation.messages.delete(oldest);
      conversation.trimmed = true;
      break;
    }
  }

  noteTimeline(batch: TimelineBatch): void {
    if (this.outbox.length < this.outboxCap / 2)
      this.outbox.push({ entryId: `${++this.#entries}-0`, fields: timelineFields(batch, this.now()) });
  }

  noteDeleted(conversationId: string, userId: string | null): void {
    this.#deleted.delete(conversationId);
    this.#deleted.set(conversationId, { userId, until: this.now() + LIMITS.deletedMs });
  }

  /** `userId`: by this person. */
  isDeleted(conversationId: string, userId?: string): boolean {
    const { until = 0, userId: by = null } = this.#deleted.get(conversationId) ?? {};
    return until > this.now() && [undefined, by ?? userId].includes(userId);
  }

  /** It changed as its person sees it. */
  touch(conversation: MemoryConversation): void {
    this.keepLonger(conversation);
    conversation.changedAt = conversation.touchedAt;
  }

  /** Last used goes last, so that the first is always the next to be forgotten. */
  keepLonger(conversation: MemoryConversation): void {
    conversation.touchedAt = this.now();
    this.conversations.delete(conversation.conversationId);
    this.conversations.set(conversation.conversationId, conversation);
  }

  /** A log of an older generation begins anew under another name. What `recheck` does in Lua. */
  recheck(conversation: MemoryConversation): void {
    const { n } = this.generation;
    if (conversation.generation === n) return;
    const { logId, offset } = conversation;
    conversation.before = { logId, offset };
    Object.assign(conversation, { generation: n, logId: newId(), offset: 0, auditSequence: 0, log: [], lossy: this.now() });
    this.emit(conversation, 'title', { title: conversation.title });
  }

  /** Another server answers, says a test. What `note-store` does in Lua. */
  raise(): void {
    const now = this.now();
    Object.assign(this.generation, { n: this.generation.n + 1, since: now });
    for (const run of this.runs.values()) {
      const conversation = this.conversations.get(run.conversationId);
      if (run.status !== 'running' || run.owner === null || !conversation) continue;
      this.recheck(conversation);
      run.expires = now + LIMITS.changedLeaseMs;
    }
    queueMicrotask(() => {
      this.changedAt = performance.now();
      for (const listener of this.changes) listener();
    });
  }

  /** All that it holds, for a test that lets the store go back to it. */
  copy(): MemoryCopy {
    const { conversations, runs, outbox } = this;
    return structuredClone({ conversations, runs, outbox, deleted: this.#deleted, ended: this.#ended });
  }

  /** What a failover to an older replica does; followers and workers stay. */
  goBack(copy: MemoryCopy): void {
    const { conversations, runs, outbox, deleted, ended } = structuredClone(copy);
    for (const map of [this.conversations, this.runs, this.#deleted]) map.clear();
    for (const [id, conversation] of conversations) this.conversations.set(id, conversation);
    for (const [key, run] of runs) this.runs.set(key, run);
    for (const [id, until] of deleted) this.#deleted.set(id, until);
    this.outbox.splice(0, this.outbox.length, ...outbox);
    this.#ended.splice(0, this.#ended.length, ...ended);
  }

  /** Forgets what is a day old or too much, and runs that ended minutes ago. */
  sweep(): void {
    const now = this.now();
    for (const conversation of this.conversations.values()) {
      const isOld = conversation.touchedAt + LIMITS.lifeMs <= now;
      const isTooMuch = this.conversations.size > MEMORY_LIMITS.conversations && conversation.active === null;
      if (!isOld && !isTooMuch) break;
      this.conversations.delete(conversation.conversationId);
      if (conversation.active) this.runs.delete(`${conversation.conversationId}:${conversation.active}`);
    }
    for (const [conversationId, { until }] of this.#deleted) {
      if (until > now) break;
      this.#deleted.delete(conversationId);
    }
    while (this.#ended[0] && this.#ended[0].at <= now) {
      const { run } = this.#ended.shift()!;
      // Another run may have taken its name since.
      if (this.runOf(run.conversationId, run.runId) === run) this.runs.delete(`${run.conversationId}:${run.runId}`);
    }
  }
}
