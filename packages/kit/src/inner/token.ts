import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ConfigError } from '../config.ts';
import type { FileText } from '../setting.ts';
import { delay, withDeadline } from '../wait.ts';

/** What a service of ours shows to another. Nobody else has it. */
export interface InnerToken {
  /** Undefined while it is not known: then nobody is let in, and nothing is asked. */
  current(): string | undefined;
  /**
   * Reads it again, at most every 250 ms whoever asks. Never rejects; what is known stays known when it cannot be read.
   * Asked when a call was refused: after a rotation, or a FLUSHALL, one of the two sides holds an old one.
   */
  renew(): Promise<void>;
  close(): void;
}

export interface InnerTokenOptions {
  /** `INTERNAL_TOKEN` */
  given?: string | undefined;
  /** `INTERNAL_TOKEN_FILE` */
  file?: FileText | undefined;
  /** Where neither is set: makes the proposal the token all share unless there is one, and answers the one there is. */
  share?: (proposal: string) => Promise<string>;
  /** It could not be read; without the token in it. */
  onError?: (error: unknown) => void;
  readFile?: (path: string) => string;
}

/** HTTP headers hold visible ASCII only; below eight characters a guess is cheap. */
const USABLE = /^[\x21-\x7e]{8,512}$/;
const RENEW_GAP_MS = 250;
/** A token that was taken away is honoured for no longer than this; after a FLUSHALL the next look puts it back. */
const LOOK_AGAIN_MS = 15_000;
const FIRST_LOOK_MS = 50;
/** A store that hangs must not hold a call, nor a start. */
const READ_DEADLINE_MS = 1000;

export const newInnerToken = (): string => randomBytes(32).toString('base64url');

/**
 * One credential between our services: a given one, a file's (read again, so that a mounted Secret may change), or a random
 * one that they share through their store.
 *
 * @throws ConfigError when two are given, or the one given cannot be used
 */
export const createInnerToken = (options: InnerTokenOptions): InnerToken => {
  const { given, file, share, onError = () => {}, readFile = (path) => readFileSync(path, 'utf8') } = options;
  if (given !== undefined && file !== undefined) throw new ConfigError(['INTERNAL_TOKEN and INTERNAL_TOKEN_FILE exclude each other']);
  const fixed = given ?? file?.text.trim();
  const name = given === undefined ? 'INTERNAL_TOKEN_FILE' : 'INTERNAL_TOKEN';
  if (fixed !== undefined && !USABLE.test(fixed))
    throw new ConfigError([`${name} must have 8 to 512 visible characters, no spaces (a random one: openssl rand -hex 32)`]);
  if (given !== undefined) return { current: () => given, renew: async () => {}, close: () => {} };
  if (file !== undefined) return watchToken(fixed, async () => readFile(file.path).trim(), onError);
  if (share !== undefined) return watchToken(undefined, (known) => share(known ?? newInnerToken()), onError);
  // One process alone: there is nobody to share it with.
  const own = newInnerToken();
  return { current: () => own, renew: async () => {}, close: () => {} };
};

const watchToken = (
  first: string | undefined,
  read: (known: string | undefined) => Promise<string>,
  onError: (error: unknown) => void,
): InnerToken => {
  const closed = new AbortController();
  let known = first;
  let readAt = -Infinity;
  let renewing: Promise<void> | undefined;

  const renew = async (): Promise<void> => {
    await delay(Math.max(0, readAt + RENEW_GAP_MS - performance.now()), closed.signal);
    readAt = performance.now();
    try {
      const found = await withDeadline(read(known), READ_DEADLINE_MS, () => {
        throw new Error('no answer in time');
      });
      if (USABLE.test(found)) known = found;
    } catch (error) {
      onError(error);
    }
  };
  const once = (): Promise<void> => (renewing ??= renew().finally(() => (renewing = undefined)));
  const look = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      await once();
      await delay((known === undefined ? FIRST_LOOK_MS : LOOK_AGAIN_MS) * (0.9 + Math.random() * 0.2), closed.signal);
    }
  };
  void look();
  return { current: () => known, renew: once, close: () => closed.abort() };
};
