import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { DurableOutbox, RestoreRun, RunLog, RunRef } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';

/** An answer that is being written, with all that another process needs to end it. */
export type RunningAnswer = Omit<RestoreRun, 'owner' | 'leaseMs' | 'newLogId'>;

export interface AnswerJournalOptions {
  file: string;
  log: Logger;
  /** Whether all that has happened so far is in the tables. */
  isStored(): boolean;
  /** Called when it is, about once a second. */
  onStored?(): void;
}

/** What a process that is killed loses of a running answer at most. */
const FLUSH_MS = 1000;

const keyOf = ({ conversationId, runId }: RunRef): string => `${conversationId} ${runId}`;

/**
 * The running answers in a file, a second old at most: the memory log goes with its process, and the tables get an answer only
 * when it ends. A file that cannot be written to (a full disk) costs this safety, never the answer.
 */
export class AnswerJournal {
  readonly #options: AnswerJournalOptions;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #timer: NodeJS.Timeout;
  readonly #running = new Map<string, RunningAnswer>();
  /** Keys of the answers that have grown since they were last written. */
  readonly #grown = new Set<string>();
  /** Keys of answers that have ended, until the tables have them. */
  readonly #ended = new Set<string>();
  #failing = false;

  constructor(options: AnswerJournalOptions) {
    this.#options = options;
    this.#database = new DatabaseSync(options.file);
    // Without a sync a killed process loses nothing; a machine that dies may lose what the tables lose too.
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA secure_delete = ON');
    this.#database.exec('CREATE TABLE IF NOT EXISTS running (key TEXT PRIMARY KEY, answer TEXT NOT NULL)');
    this.#put = this.#database.prepare('INSERT OR REPLACE INTO running (key, answer) VALUES (?, ?)');
    this.#remove = this.#database.prepare('DELETE FROM running WHERE key = ?');
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS).unref();
  }

  begin(answer: RunningAnswer): void {
    const key = keyOf(answer);
    this.#running.set(key, answer);
    this.#ended.delete(key);
    // At once: a process that is killed in its first second leaves an answer that ends, and not a question without one.
    this.#tryTo(() => this.#put.run(key, JSON.stringify(answer)));
  }

  grow(run: RunRef, text: string): void {
    const key = keyOf(run);
    const answer = this.#running.get(key);
    if (answer === undefined) return;
    answer.text += text;
    this.#grown.add(key);
  }

  end(run: RunRef): void {
    const key = keyOf(run);
    this.#running.delete(key);
    this.#grown.delete(key);
    this.#ended.add(key);
  }

  /** A conversation is deleted: nothing of it may come back, whatever happens next. */
  forget(conversationId: string): void {
    for (const answer of this.#running.values()) if (answer.conversationId === conversationId) this.end(answer);
    this.#tryTo(() => this.#removeEnded());
  }

  /** What an earlier process was writing when it was killed. */
  left(): RunningAnswer[] {
    const rows = this.#database.prepare('SELECT answer FROM running').all();
    return rows.map(({ answer }) => JSON.parse(String(answer)) as RunningAnswer);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#flush();
    this.#database.close();
  }

  #flush(): void {
    this.#tryTo(() => {
      for (const key of this.#grown) this.#put.run(key, JSON.stringify(this.#running.get(key)));
      this.#grown.clear();
      if (!this.#options.isStored()) return;
      this.#removeEnded();
      this.#options.onStored?.();
    });
  }

  #removeEnded(): void {
    if (this.#ended.size === 0) return;
    for (const key of this.#ended) this.#remove.run(key);
    this.#ended.clear();
    // The file's own journal still has the texts.
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  #tryTo(write: () => void): void {
    try {
      write();
      this.#failing = false;
    } catch (err) {
      if (!this.#failing) this.#options.log.warn({ event: 'journal.failed', err });
      this.#failing = true;
    }
  }
}

/** Commands and reads that tell what a command has done. */
const TELLING = [
  ...(['putPart', 'parkRun', 'decidePart'] as const),
  ...(['beginRun', 'claimRun', 'endRun', 'restoreRun', 'restoreEnd', 'rehydrate', 'mergeStored', 'expel', 'cancelRun'] as const),
  ...([
    'deleteMessage',
    'deleteConversation',
    'setTitle',
    'proposeTitle',
    'setPreset',
    'putRecord',
    'readRecords',
    'readState',
    'readHistory',
    'listConversations',
  ] as const),
] satisfies (keyof RunLog)[];

/** A run log that answers when what it answers is on disk (W-11 for a process that may be killed in the next moment). */
export const durable = (runLog: RunLog, outbox: DurableOutbox): RunLog => {
  const waiting = { ...runLog };
  const wait =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const result = await call(...args);
      await outbox.pending();
      return result;
    };
  for (const name of TELLING) Object.assign(waiting, { [name]: wait(runLog[name] as (...args: unknown[]) => Promise<unknown>) });
  return waiting;
};

/** A run log that keeps the journal: an answer is in it from its claim to its end, or until it waits for a person. */
export const journalled = (runLog: RunLog, journal: AnswerJournal): RunLog => ({
  ...runLog,
  async claimRun(command) {
    const claim = await runLog.claimRun(command);
    const { conversationId, runId } = command;
    if (claim.outcome === 'claimed') {
      const { epoch, userId, title, run, text, messages } = claim;
      journal.begin({ conversationId, runId, epoch, userId, title, run, text, messages });
    }
    return claim;
  },
  async appendChunk(command) {
    const result = await runLog.appendChunk(command);
    if (result.outcome === 'appended') journal.grow(command, command.text.toWellFormed());
    return result;
  },
  async endRun(command) {
    const result = await runLog.endRun(command);
    if (result.outcome === 'ended') journal.end(command);
    return result;
  },
  async parkRun(command) {
    const result = await runLog.parkRun(command);
    // It waits for a person, in the tables (W-17): nobody has to end it.
    if (result.outcome === 'parked') journal.end(command);
    return result;
  },
  async deleteConversation(command) {
    const result = await runLog.deleteConversation(command);
    if (result.outcome === 'done') journal.forget(command.conversationId);
    return result;
  },
});
