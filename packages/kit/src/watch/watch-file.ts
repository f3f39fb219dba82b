import { open } from 'node:fs/promises';

/** A configuration that is larger is none of ours. */
const MOST_BYTES = 1024 * 1024;
const EVERY_MS = 1_000;

export interface WatchFileOptions {
  path: string;
  /** What is known of it already. */
  text?: string | undefined;
  /** It has another text. */
  onText(text: string): void;
  /** It cannot be read, for the first time in a row. */
  onError?(error: Error): void;
  everyMs?: number;
}

export interface WatchedFile {
  /** Looks at once; resolves when that is done. */
  look(): Promise<void>;
  close(): void;
}

/**
 * Tells of each new text of a small file, within two seconds. It is read by its name each time, so that it makes no difference whether somebody
 * writes into it, renames another over it, or swaps a link above it, as Kubernetes does with what it mounts; notifications of the kernel
 * miss some of these. A text counts once two reads in a row have found it: one may meet a file that is half written.
 */
export const watchFile = ({ path, text, onText, onError, everyMs = EVERY_MS }: WatchFileOptions): WatchedFile => {
  let known = text;
  let seen: string | undefined;
  let failing = false;
  let looking: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    try {
      const found = await readBounded(path);
      failing = false;
      if (found !== known && found === seen) {
        known = found;
        onText(found);
      }
      seen = found;
    } catch (error) {
      // When it is back it is told again, also if it is as it was: somebody may have said meanwhile that it is away.
      known = undefined;
      if (!failing) onError?.(error as Error);
      failing = true;
      seen = undefined;
    }
  };
  const look = (): Promise<void> => (looking ??= read().finally(() => (looking = undefined)));
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return { look, close: () => clearInterval(timer) };
};

const readBounded = async (path: string): Promise<string> => {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > MOST_BYTES) throw new Error(`${path} has ${size} bytes: at most ${MOST_BYTES} are read`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
};
