import type { Readable } from 'node:stream';
import { RunnelError } from '@runnel/protocol';

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
/** The key itself. @throws RunnelError `bad-frame` for what is none */
export const checkKey = (key: string): string => {
  if (!KEY.test(key)) throw new RunnelError('bad-frame', 'This is no name of a file.');
  return key;
};

/** One object of a listing. */
export interface BlobInfo {
  /** Its whole name. */
  key: string;
  bytes: number;
}

/** What is under one folder. */
export interface BlobGroup {
  /** The folder's own, last name. */
  name: string;
  objects: BlobInfo[];
}

/**
 * Objects by name, as a folder or a bucket keeps them. Names are segments of `[A-Za-z0-9._-]` with `/` between. An object is there whole or
 * not at all, and everyone sees it once it is (a shared folder, S3).
 *
 * All methods reject with RunnelError `unavailable` when what keeps the objects does not answer.
 */
export interface Blobs {
  /** Writes the object unless there is one of this name; false: there is. */
  putNew(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Writes the object, in place of one of this name. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The same with a file of this node, however long. */
  putFile(key: string, path: string): Promise<void>;
  /** Null: there is none. */
  get(key: string): Promise<Uint8Array | null>;
  /** Bytes `from` to `to`, both counted; the object must be there. */
  read(key: string, from: number, to: number): Readable;
  /** Objects whose names begin with `folder/`, in the order of their names. */
  list(folder: string): Promise<BlobInfo[]>;
  /** The same one folder right under `folder` after the other, however many there are. */
  groups(folder: string): AsyncIterable<BlobGroup>;
  /** Removes the object, or all that is under the folder of this name. What is not there is removed already. */
  remove(key: string): Promise<void>;
}
