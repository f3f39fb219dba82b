import { hash } from 'node:crypto';
import { repeats, type RestoreEnd, type RunRef, type SayDeleted } from '@runnel/coordination';
import { contentOf, withoutText } from '@runnel/protocol';

/** An end as it was written: all that another store needs to have it again. */
export type EndedRun = Omit<RestoreEnd, 'newLogId'>;

/** Longer than a replica lags, a failover takes and an outbox needs to reach the database. */
export const KEEP_MS = 300_000;
const KEEP_BYTES = 64 * 1024 * 1024;
/** What an entry costs beside its texts. */
const ENTRY_BYTES = 1_000;

const keyOf = ({ conversationId, runId }: RunRef): string => `${conversationId} ${runId}`;

const sizeOf = ({ text, messages, parts = [] }: EndedRun): number =>
  // Two bytes a character at most in V8.
  ENTRY_BYTES +
  2 *
    messages.reduce(
      (sum, message) => sum + message.text.length,
      text.length + parts.reduce((sum, { part }) => sum + contentOf(part).length, 0),
    );

const NOTHING = { text: '', bytes: 0, sha256: hash('sha256', '', 'hex') };

/** What another store may have of an end, one message of which was deleted. Pure. */
const without = (end: EndedRun, messageId: string): EndedRun => {
  const words = end.messages.find((message) => message.messageId === messageId)?.text ?? '';
  const messages = end.messages.map((message) => (message.messageId === messageId ? withoutText(message) : message));
  // A conversation is called by its first message.
  const kept = { ...end, messages, ...(repeats(end.title, words) && { title: '' }) };
  if (end.runId !== messageId) return kept;
  const { parts: _, usage: __, ...place } = kept;
  return { ...place, ...NOTHING };
};

/** The runs this pod has ended lately, the newest last; bounded in time and in bytes. */
export class EndedRuns {
  readonly #kept = new Map<string, { end: EndedRun; size: number; until: number }>();
  readonly #limitBytes: number;
  #bytes = 0;

  constructor(limitBytes: number = KEEP_BYTES) {
    this.#limitBytes = limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(end: EndedRun, now: number): void {
    this.forget(end);
    const size = sizeOf(end);
    this.#kept.set(keyOf(end), { end, size, until: now + KEEP_MS });
    this.#bytes += size;
    for (const { end: oldest, until } of this.#kept.values()) {
      if (until > now && this.#bytes <= this.#limitBytes) break;
      this.forget(oldest);
    }
  }

  find(run: RunRef, now: number): EndedRun | undefined {
    const kept = this.#kept.get(keyOf(run));
    return kept && kept.until > now ? kept.end : undefined;
  }

  /** In the order they ended. */
  all(now: number): EndedRun[] {
    return [...this.#kept.values()].filter(({ until }) => until > now).map(({ end }) => end);
  }

  /** Nothing that was deleted is written again: of a conversation its ends go, of a message the words. */
  withhold({ conversationId, messageId }: Omit<SayDeleted, 'kind'>): void {
    for (const kept of [...this.#kept.values()]) {
      if (kept.end.conversationId !== conversationId) continue;
      if (messageId === undefined) this.forget(kept.end);
      else kept.end = without(kept.end, messageId);
    }
  }

  forget(run: RunRef): void {
    const kept = this.#kept.get(keyOf(run));
    if (kept === undefined) return;
    this.#bytes -= kept.size;
    this.#kept.delete(keyOf(run));
  }
}
