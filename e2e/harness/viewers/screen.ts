import { createHash } from 'node:crypto';
import type { ConversationEvent, LogEvent, Message, Snapshot } from './events.ts';
import type { Expected } from './expected.ts';
import { within } from '../wait.ts';

interface Running {
  runId: string;
  parentId: string | null;
  epoch: number;
  text: string;
  /** UTF-8 length of `text`. */
  bytes: number;
}
export interface Finished {
  runId: string;
  reason: string;
  text: string;
  sha256: string | null;
  /** When it was seen, ms of `performance.now()`. */
  seenAt: number;
}

/**
 * What one viewer shows, by the rules of PROTOCOL.md and nothing else, without forgiveness: where the protocol lets a client
 * follow again (W-8, W-9), the server had promised that it need not (W-7), so it is written down as a violation.
 */
export class Screen {
  readonly violations: string[] = [];
  /** Runs whose end was seen, over all reloads: nothing shown may change or disappear (W-11). */
  readonly finished = new Map<string, Finished>();
  /** Of each chunk that came live: when the model gave its first byte (ms of the clock), and how much later it was here. */
  readonly delays: { t: number; ms: number }[] = [];
  readonly stats = { events: 0, old: 0, snapshots: 0, merged: 0, moves: 0, restarts: 0, logs: 0, starts: 0 };
  logId: string | null = null;
  offset = 0;
  title = '';
  messages = new Map<string, Message>();
  run: Running | null = null;
  /** Who the last answer was said to be from. */
  model = '';
  /** `asked`: a follow was sent, nothing of it has arrived. */
  phase: 'idle' | 'asked' | 'catching-up' | 'live' = 'idle';
  lastEvent: ConversationEvent | null = null;
  #known = false;
  readonly #name: string;
  readonly #conversationId: string;
  readonly #expected: Expected;
  readonly #watchers = new Set<() => void>();

  constructor(name: string, conversationId: string, expected: Expected) {
    this.#name = name;
    this.#conversationId = conversationId;
    this.#expected = expected;
  }

  get cursor(): { logId: string; offset: number } | null {
    return this.#known && this.logId !== null ? { logId: this.logId, offset: this.offset } : null;
  }

  /** The page was closed: only what it had proved stays known to the test. */
  forget(): void {
    this.logId = null;
    this.offset = 0;
    this.messages = new Map();
    this.run = null;
    this.#known = false;
    this.phase = 'idle';
  }

  asked(): void {
    this.phase = 'asked';
  }

  apply(event: ConversationEvent): void {
    this.stats.events++;
    this.lastEvent = event;
    if (event.conversationId !== this.#conversationId) this.violate(`event of another conversation: ${event.conversationId}`);
    if (event.type === 'snapshot') this.#applySnapshot(event);
    else if (event.type === 'live') this.#applyLive(event.logId, event.offset);
    else this.#applyLogged(event);
    this.#watchers.forEach((watcher) => watcher());
  }

  violate(what: string): void {
    this.violations.push(`${this.#name} at ${this.logId?.slice(0, 8)}:${this.offset}: ${what}`);
    this.#watchers.forEach((watcher) => watcher());
  }

  /** Resolves as soon as the condition holds; rejects at the first violation or at the deadline. */
  async until(condition: () => boolean, deadlineMs: number, what: string): Promise<void> {
    let watcher = (): void => {};
    const happened = new Promise<void>((resolve, reject) => {
      watcher = () => {
        if (this.violations.length > 0) reject(new Error(this.violations.join('\n')));
        else if (condition()) resolve();
      };
    });
    this.#watchers.add(watcher);
    watcher();
    try {
      await within(happened, deadlineMs, `${this.#name}: ${what}`);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  textOf(runId: string): string | null {
    if (this.run?.runId === runId) return this.run.text;
    return this.messages.get(runId)?.text ?? null;
  }

  #applySnapshot(snapshot: Snapshot): void {
    this.stats.snapshots++;
    const sameLog = this.#known && this.logId === snapshot.logId;
    if (sameLog && snapshot.offset < this.offset) this.violate(`a snapshot goes back to ${snapshot.offset}`);
    if (this.#known && !sameLog) this.stats.logs++;
    const before = this.run;
    this.logId = snapshot.logId;
    this.offset = snapshot.offset;
    this.title = snapshot.title;
    if (snapshot.run) this.model = snapshot.run.model ?? '';
    this.messages = new Map(snapshot.messages.map((message) => [message.messageId, message]));
    this.run = snapshot.run && { ...snapshot.run, bytes: Buffer.byteLength(snapshot.run.text) };
    this.#known = true;
    this.phase = this.phase === 'asked' ? 'catching-up' : this.phase;
    if (snapshot.messages.length > 50) this.violate(`W-12: ${snapshot.messages.length} messages in a snapshot`);
    if (this.run) this.#check(this.run.runId, 0, this.run.text);
    if (this.run && this.finished.has(this.run.runId)) this.violate(`P-2: run ${this.run.runId} runs again after its end`);
    for (const message of snapshot.messages) {
      if (message.role === 'assistant' && message.status !== 'deleted') this.#finish(message.messageId, message.status, message.text, null);
    }
    if (sameLog && before && this.run?.runId !== before.runId && !this.messages.has(before.runId) && snapshot.messages.length < 50) {
      this.violate(`W-11: run ${before.runId} disappeared`);
    }
  }

  #applyLive(logId: string | null, offset: number): void {
    if (this.phase === 'asked' && !this.#known) this.violate('W-7: live before a snapshot');
    if (logId !== this.logId || offset !== this.offset) this.violate(`W-7: live says ${logId?.slice(0, 8)}:${offset}`);
    this.phase = 'live';
  }

  #applyLogged(event: LogEvent): void {
    if (!this.#known) return this.violate(`W-7: ${event.type} before a snapshot`);
    if (this.phase === 'asked') this.phase = 'catching-up';
    if (event.logId !== undefined) {
      if (this.logId !== null && event.logId !== this.logId) return this.violate(`W-13: log ${event.logId} came without a snapshot`);
      this.logId = event.logId;
    } else if (event.offset === 1) this.violate('W-7: the event with offset 1 does not name its log');
    if (event.offset <= this.offset) return void this.stats.old++;
    const from = event.from ?? event.offset;
    if (from !== this.offset + 1) return this.violate(`W-7: gap, next is ${from}…${event.offset} (${event.type})`);
    if (from !== event.offset) this.stats.merged++;
    this.offset = event.offset;
    this.#applyBody(event);
  }

  #applyBody(event: LogEvent): void {
    const ended = 'runId' in event && this.finished.get(event.runId);
    if (ended) return this.violate(`P-2: ${event.type} after the end of run ${event.runId}`);
    switch (event.type) {
      case 'message':
        return void this.messages.set(event.message.messageId, event.message);
      case 'message-deleted': {
        const message = this.messages.get(event.messageId);
        if (message) this.messages.set(event.messageId, { ...message, text: '', status: 'deleted' });
        return;
      }
      case 'title':
        return void (this.title = event.title);
      case 'run-started':
        this.stats.starts++;
        // Another model may begin the same answer, of which there is nothing yet.
        if (this.run && !(event.requestedModel && this.run.runId === event.runId && this.run.bytes === 0))
          this.violate(`W-5: run ${event.runId} starts while ${this.run.runId} runs`);
        this.model = event.model ?? '';
        this.run = { runId: event.runId, parentId: event.parentId, epoch: event.epoch, text: '', bytes: 0 };
        return;
      case 'chunk': {
        const run = this.#running(event.runId, event.type);
        if (!run) return;
        if (event.at !== run.bytes) return this.violate(`W-9: chunk at ${event.at}, ${run.bytes} bytes held`);
        if (this.phase === 'live') this.delays.push({ t: event.t, ms: Date.now() - event.t });
        run.text += event.text;
        run.bytes += Buffer.byteLength(event.text);
        return this.#check(run.runId, event.at, event.text);
      }
      case 'run-moved': {
        const run = this.#running(event.runId, event.type);
        if (!run) return;
        this.stats.moves++;
        if (event.epoch <= run.epoch) this.violate(`epoch ${event.epoch} after ${run.epoch}`);
        run.epoch = event.epoch;
        if (event.restarted) {
          this.stats.restarts++;
          run.text = '';
          run.bytes = 0;
        }
        if (event.bytes !== run.bytes) this.violate(`run moved at ${event.bytes}, ${run.bytes} bytes held`);
        return;
      }
      case 'run-ended': {
        const run = this.#running(event.runId, event.type);
        if (!run) return;
        const { runId, text, bytes, parentId } = run;
        const sha256 = createHash('sha256').update(text).digest('hex');
        if (event.bytes !== bytes) this.violate(`W-10: ended with ${event.bytes} bytes, ${bytes} held`);
        else if (event.sha256 !== sha256) this.violate('W-10: the digest differs');
        this.run = null;
        this.messages.set(runId, { messageId: runId, parentId, role: 'assistant', text, status: event.reason });
        return this.#finish(runId, event.reason, text, event.sha256);
      }
    }
  }

  #running(runId: string, type: string): Running | null {
    if (this.run?.runId === runId) return this.run;
    this.violate(`${type} of run ${runId}, but ${this.run ? this.run.runId : 'no run'} is running`);
    return null;
  }

  #check(runId: string, at: number, text: string): void {
    const wrong = this.#expected.wrongAt(runId, at, text);
    if (wrong) this.violate(`P-1: run ${runId} ${wrong}`);
  }

  #finish(runId: string, reason: string, text: string, sha256: string | null): void {
    const before = this.finished.get(runId);
    if (before && (before.text !== text || before.reason !== reason)) this.violate(`P-1: run ${runId} changed after its end`);
    if (before) return;
    this.finished.set(runId, { runId, reason, text, sha256, seenAt: performance.now() });
    const wrong = this.#expected.wrongEnd(runId, reason, text);
    if (wrong) this.violate(`P-1: run ${runId} ${wrong}`);
  }
}
