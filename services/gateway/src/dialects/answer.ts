import {
  ERRORS,
  RunnelError,
  type RunEndedEvent,
  isId,
  type EndReason,
  type Finish,
  type Message,
  type MessageStatus,
  type ServerEvent,
  type SnapshotEvent,
  textUpTo,
  type Usage,
  utf8Length,
  withChunk,
  withPart,
  type Part,
} from '@runnel/protocol';
import type { Sink } from '../follow/follower.ts';
import type { Outgoing } from '../follow/wire-event.ts';

export interface AnswerEnd {
  reason: EndReason;
  finish?: Finish;
  usage?: Usage;
  /** ms since the epoch. */
  at?: number;
  /** Of the whole text, as the log's end has it; not known from a snapshot. */
  proof?: { bytes: number; sha256: string };
  /** Set unless the run is complete or was cancelled. */
  error?: RunnelError;
  /** Not the run has ended but this look at it: the caller has left, the node drains. */
  outside?: true;
}

/** Pieces that may wait for a reader one by one. */
const MOST_CUTS = 2_048;

const REASONS: ReadonlySet<string> = new Set(['complete', 'cancelled', 'failed', 'interrupted'] satisfies EndReason[]);
const isReason = (status: MessageStatus): status is EndReason => REASONS.has(status);

/** What an answer took. One that the database has brought back says so in its receipt alone. */
export const usageOf = ({ usage, receipt }: Pick<Message, 'usage' | 'receipt'>): Usage | undefined => usage ?? receipt?.usage;

/** What failed, as the end of a run tells it. */
export type ToldFailure = RunEndedEvent['error'];

export const failureOf = (reason: EndReason, told?: ToldFailure): { error?: RunnelError } => {
  if (reason !== 'failed' && reason !== 'interrupted') return {};
  const { code = 'model-failed', message, retryAfterMs, status, providerCode } = told ?? {};
  // A code of a later version is a failure as well.
  const known = Object.hasOwn(ERRORS, code) ? code : 'model-failed';
  const details = {
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status !== undefined && { providerStatus: status }),
    ...(providerCode !== undefined && { providerCode }),
  };
  return { error: new RunnelError(known, message, details) };
};

/**
 * One run as somebody who only wants its text sees it: follows the conversation from before the run's start to its end.
 * `changed` is called after every step; the reader looks at `text` and `end` when it has room, so a slow one costs one string.
 */
export class Answer implements Sink {
  readonly runId: string;
  text = '';
  /** How often another pod took the run over and had to begin again. */
  restarts = 0;
  /** When the run began, by the store's clock (ms); 0: not known yet. */
  beganAt = 0;
  /** The model that answers, once it is known. */
  model = '';
  /** The message it answers. */
  parentId: string | null = null;
  /** What stands beside the text. */
  parts: readonly Part[] = [];
  /** Parts that people have to decide before it goes on; null: it is being written. */
  waiting: readonly string[] | null = null;
  /** Bytes of the text at which its pieces end, as the log has them; the newest. A slow reader is told of several as one. */
  cuts: number[] = [];
  /** On how many screens and requests its conversation is open, over all gateways, as far as this one was told. */
  devices = 1;
  end: AnswerEnd | null = null;
  /** The messages of the last snapshot, for who wants them: a page of the conversation as it stood. */
  history: readonly Message[] | null = null;
  readonly #keepsHistory: boolean;
  #changed: () => void = () => undefined;
  /** Offset of `run-started`, once the command has answered: a later snapshot without the run means that it is gone. */
  #startedAt = Infinity;
  /** Offset of the last snapshot that did not know the run. */
  #unknownAt = -1;

  constructor(runId: string, keepsHistory = false) {
    if (!isId(runId)) throw new RunnelError('bad-frame');
    this.#keepsHistory = keepsHistory;
    this.runId = runId;
  }

  /** Resolves at the next change. One reader at a time. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.#changed = resolve));
  }

  /** Resolves when it is known since when the answer is, or when it has ended: whoever looks at it later is told the same time. */
  async begun(): Promise<void> {
    while (this.beganAt === 0 && !this.end) await this.next();
  }

  /** Wakes the reader without a change, for a reader that has a deadline of its own. */
  touch(): void {
    this.#changed();
  }

  started(offset: number): void {
    this.#startedAt = offset;
    if (this.#unknownAt >= offset) this.fail(new RunnelError('not-found'));
  }

  /** Ends the wait from outside: the caller has left, the node drains. */
  fail(error: RunnelError): void {
    this.#finish({ reason: 'interrupted', error, outside: true });
  }

  opened(): void {}

  failed(error: RunnelError): void {
    // A retryable failure is the hub's to repair; the run itself goes on meanwhile.
    if (!error.retryable) this.fail(error);
  }

  send(event: Outgoing): void {
    if (this.end) return;
    const data = JSON.parse(event.bytes.toString()) as ServerEvent;
    switch (data.type) {
      case 'snapshot':
        return this.#replace(data);
      case 'run-started':
        if (data.runId === this.runId) this.#began(data);
        return;
      case 'presence':
        this.devices = data.devices ?? 1;
        return;
      case 'chunk':
        if (data.runId === this.runId) {
          this.cut(data.at + utf8Length(data.text));
          this.#grow(this.text + data.text);
        }
        return;
      case 'part':
        if (data.runId === this.runId) this.#place(withPart(this.parts, data.part));
        return;
      case 'part-chunk':
        if (data.runId === this.runId) this.#place(withChunk(this.parts, data));
        return;
      case 'run-waiting':
        if (data.runId !== this.runId) return;
        this.waiting = data.partIds;
        return this.#changed();
      case 'run-moved':
        if (data.runId !== this.runId) return;
        this.waiting = null;
        // Finished steps stay: it begins again behind them.
        if (data.restarted) this.#restart(textUpTo(this.text, data.bytes) ?? '');
        return;
      case 'run-ended': {
        if (data.runId !== this.runId) return;
        const { reason, finish, usage, error, bytes, sha256 } = data;
        return this.#finish({
          reason,
          ...(finish && { finish }),
          ...(usage && { usage }),
          at: data.endedAt,
          proof: { bytes, sha256 },
          ...failureOf(reason, error),
        });
      }
      default:
    }
  }

  /** A piece of the text ends at this byte. */
  cut(bytes: number): void {
    this.cuts.push(bytes);
    if (this.cuts.length > MOST_CUTS) this.cuts.splice(0, MOST_CUTS / 2);
  }

  /** An answer that has ended, as its message has it. `told`: what the log's end says of a failure. */
  settle(message: Message, told?: ToldFailure): void {
    const { text, status, finish, parts = [], parentId, model = '', createdAt, receipt } = message;
    const usage = usageOf(message);
    if (!isReason(status)) return this.fail(new RunnelError('not-found'));
    if (!text.startsWith(this.text)) this.#restart();
    this.text = text;
    this.parts = parts;
    this.#began({ parentId, model, startedAt: createdAt });
    this.#finish({
      reason: status,
      ...(finish && { finish }),
      ...(usage && { usage }),
      at: createdAt + (receipt?.durationMs ?? 0),
      ...failureOf(status, told),
    });
  }

  #replace({ run, messages, offset }: SnapshotEvent): void {
    if (this.#keepsHistory) this.history = messages;
    if (run?.runId === this.runId) {
      this.#began(run);
      this.parts = run.parts ?? [];
      this.waiting = run.waiting ?? null;
      if (!run.text.startsWith(this.text)) this.#restart();
      return this.#grow(run.text);
    }
    const message = messages.find(({ messageId }) => messageId === this.runId);
    if (message && isReason(message.status)) return this.settle(message);
    this.#unknownAt = offset;
    if (offset >= this.#startedAt || this.text !== '') this.fail(new RunnelError('not-found'));
  }

  #began({ startedAt, model, parentId }: { startedAt: number; model: string; parentId: string | null }): void {
    this.beganAt = startedAt;
    this.model = model;
    this.parentId = parentId;
    this.#changed();
  }

  #grow(text: string): void {
    this.text = text;
    this.#changed();
  }

  #place(parts: readonly Part[] | null): void {
    this.parts = parts ?? this.parts;
    this.#changed();
  }

  #restart(stands = ''): void {
    this.restarts++;
    this.cuts = [];
    this.#grow(stands);
  }

  #finish(end: AnswerEnd): void {
    this.end ??= end;
    this.#changed();
  }
}
