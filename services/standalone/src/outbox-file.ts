import { open, type FileHandle } from 'node:fs/promises';
import type { DurableOutbox } from '@runnel/coordination';
import type { Logger } from '@runnel/kit';
import type { OutboxEntry } from '@runnel/protocol/audit';

export interface OutboxFileOptions {
  file: string;
  log: Logger;
}

/** The whole lines of a file, and where the last of them ends: a process that is killed may leave half of one. Pure. */
export const readLines = (content: Buffer): { entries: OutboxEntry[]; bytes: number } => {
  const bytes = content.lastIndexOf(0x0a) + 1;
  const lines = content.subarray(0, bytes).toString().split('\n').slice(0, -1);
  // Names that no entry of this process gets.
  const entries = lines.map((line, i) => ({ entryId: `0-${i + 1}`, fields: JSON.parse(line) as OutboxEntry['fields'] }));
  return { entries, bytes };
};

/**
 * The outbox of `npm start` on disk, a line for each state change, until the tables have it: who is answered or shown something finds it
 * again after a `kill -9`, and after a power cut as far as the disk keeps its word. All that waits is written and synced together, so
 * many commands at once cost one sync (docs/decisions/0051).
 *
 * A disk that refuses costs this safety, never the answer.
 */
export class OutboxFile implements DurableOutbox {
  readonly left: readonly OutboxEntry[];
  readonly #handle: FileHandle;
  readonly #log: Logger;
  #size: number;
  #lines: string[] = [];
  /** Of what waits, and of what is being written. */
  #next: PromiseWithResolvers<void> | null = null;
  #current: PromiseWithResolvers<void> | null = null;
  #busy = false;
  #failing = false;

  constructor(handle: FileHandle, log: Logger, size: number, left: readonly OutboxEntry[]) {
    this.#handle = handle;
    this.#log = log;
    this.#size = size;
    this.left = left;
  }

  wrote({ fields }: OutboxEntry): void {
    this.#lines.push(`${JSON.stringify(fields)}\n`);
    this.#next ??= Promise.withResolvers();
    if (!this.#busy) void this.#run();
  }

  pending(): Promise<void> | null {
    return (this.#next ?? this.#current)?.promise ?? null;
  }

  /** Empties the file: the tables have all that is in it. Does nothing while something is being written. */
  async clear(): Promise<void> {
    if (this.#busy || this.#size === 0) return;
    this.#busy = true;
    try {
      await this.#handle.truncate(0);
      this.#size = 0;
    } catch (err) {
      this.#failed(err);
    }
    await this.#run();
  }

  async close(): Promise<void> {
    while (this.#busy) await (this.pending() ?? new Promise(setImmediate));
    await this.#handle.close();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    // The other entries of this command come first.
    await Promise.resolve();
    while (this.#next !== null) {
      const current = (this.#current = this.#next);
      const content = Buffer.from(this.#lines.join(''));
      this.#next = null;
      this.#lines = [];
      try {
        await this.#handle.appendFile(content);
        await this.#handle.datasync();
        this.#size += content.length;
        this.#failing = false;
      } catch (err) {
        this.#failed(err);
      }
      this.#current = null;
      current.resolve();
    }
    this.#busy = false;
  }

  #failed(err: unknown): void {
    if (!this.#failing) this.#log.warn({ event: 'outbox-file.failed', err });
    this.#failing = true;
  }
}

/** Opens or makes the file; `left` is what an earlier process had not brought into the tables. */
export const openOutboxFile = async ({ file, log }: OutboxFileOptions): Promise<OutboxFile> => {
  // Append mode: each write goes to the end, wherever a truncation has put that.
  const handle = await open(file, 'a+', 0o600);
  const { entries, bytes } = readLines(await handle.readFile());
  await handle.truncate(bytes);
  return new OutboxFile(handle, log, bytes, entries);
};
