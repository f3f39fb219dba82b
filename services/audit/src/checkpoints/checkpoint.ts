import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { End } from '../proof/merkle.ts';

/** One line of the file: what changed since the line before. A moment with many changes takes several, of which the last has the root. */
export interface Checkpoint {
  version: 1;
  /** From 1 on, without a gap. */
  number: number;
  /** ms since the epoch. */
  at: number;
  /** SHA-256 of the line before; null: there is none. */
  previous: string | null;
  /** Ends of the logs that moved: id, place, link. */
  heads: [logId: string, sequence: number, hash: string][];
  /** Over the ends of all logs, also those that did not move; null: more of this moment follows. */
  root: string | null;
  /** Who signed. */
  key: string;
}

export const digestOf = (line: string): string => createHash('sha256').update(line).digest('hex');

/** The first half of the SHA-256 of the public key: what an auditor notes down. */
export const fingerprintOf = (key: KeyObject): string => {
  const shown = key.type === 'private' ? createPublicKey(key) : key;
  return digestOf(shown.export({ type: 'spki', format: 'der' }).toString('base64')).slice(0, 32);
};

/** As it is written. Pure, but for the key. */
export const toLine = (checkpoint: Checkpoint, key: KeyObject): string => {
  const body = JSON.stringify(checkpoint);
  return JSON.stringify({ body, signature: sign(null, Buffer.from(body), key).toString('base64') });
};

/** @throws Error with the reason */
export const fromLine = (line: string, key: KeyObject): Checkpoint => {
  const { body, signature } = JSON.parse(line) as { body?: unknown; signature?: unknown };
  if (typeof body !== 'string' || typeof signature !== 'string') throw new Error('it is no checkpoint');
  if (!verify(null, Buffer.from(body), key, Buffer.from(signature, 'base64'))) throw new Error('its signature does not fit the key');
  return JSON.parse(body) as Checkpoint;
};

/** Of a line that was signed by us and lies in our own table. */
export const bodyOf = (line: string): Checkpoint => JSON.parse((JSON.parse(line) as { body: string }).body) as Checkpoint;

export const endOf = ([logId, sequence, hash]: Checkpoint['heads'][number]): End => ({ logId, sequence, hash });
