import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunnelError } from '@runnel/protocol';
import type { Blobs } from './blobs.ts';
import { segmentsOf } from './file-keys.ts';
import type { FileRecord } from './file-record.ts';
import { joined } from './joined.ts';
import { SEGMENT_BYTES, segmentKey } from './segments.ts';

/** What the bytes of one PATCH have to be. */
export interface Checksum {
  algorithm: 'sha256' | 'sha1';
  digest: Buffer;
}

/**
 * What became of the bytes of a PATCH. `conflict`: the file ends elsewhere, at `offset`; `locked`: somebody writes it now;
 * `mismatch`: they are not those that were promised, and none of them counts.
 */
export type Appended =
  | { outcome: 'appended'; offset: number }
  | { outcome: 'conflict'; offset: number }
  | { outcome: 'locked' }
  | { outcome: 'mismatch' };

/** Writes segment after segment, each while the next one comes; a place that is taken already is somebody else's write. */
export const writeSegments = async (
  blobs: Blobs,
  file: FileRecord,
  offset: number,
  source: AsyncIterable<Uint8Array>,
): Promise<Appended> => {
  let at = offset;
  let held: Uint8Array[] = [];
  let size = 0;
  /** Of the segment before; one begins when the one before it stands, so that there is no hole. */
  let writing: Promise<boolean> = Promise.resolve(true);
  const flush = async (): Promise<boolean> => {
    if (!(await writing)) return false;
    if (size === 0) return true;
    writing = blobs.putNew(segmentKey(segmentsOf(file.fileId), at), Buffer.concat(held, size));
    // Whoever asks next hears of it.
    writing.catch(() => undefined);
    at += size;
    held = [];
    size = 0;
    return true;
  };
  try {
    for await (const bytes of joined(source)) {
      if (at + size + bytes.byteLength > file.length) throw new RunnelError('too-large', 'There are more bytes than were announced.');
      held.push(bytes);
      size += bytes.byteLength;
      if (size >= SEGMENT_BYTES && !(await flush())) return { outcome: 'locked' };
    }
  } catch (error) {
    // What came before the line went dead counts.
    if (error instanceof RunnelError) {
      await writing.catch(() => undefined);
      throw error;
    }
  }
  return (await flush()) && (await writing) ? { outcome: 'appended', offset: at } : { outcome: 'locked' };
};

/** Bytes that are checked before they count wait on this node's disk. */
export const writeChecked = async (
  blobs: Blobs,
  file: FileRecord,
  offset: number,
  source: AsyncIterable<Uint8Array>,
  checksum: Checksum,
): Promise<Appended> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-upload-'));
  try {
    const path = join(folder, 'bytes');
    const digest = createHash(checksum.algorithm);
    const spool = await open(path, 'wx', 0o600);
    let size = 0;
    try {
      for await (const bytes of joined(source)) {
        size += bytes.byteLength;
        if (offset + size > file.length) throw new RunnelError('too-large', 'There are more bytes than were announced.');
        digest.update(bytes);
        await spool.write(bytes);
      }
    } finally {
      await spool.close();
    }
    if (!digest.digest().equals(checksum.digest)) return { outcome: 'mismatch' };
    return await writeSegments(blobs, file, offset, createReadStream(path) as AsyncIterable<Buffer>);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
