import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunnelError } from '@runnel/protocol';
import type { BlobInfo, Blobs } from './blobs.ts';

/** A file of this node, for a while; beside it there is room for another one. */
export interface LocalFile {
  path: string;
  bytes: number;
  sha256: string;
}

/** Objects one behind the other, each as a whole: none is larger than a segment. @throws RunnelError `not-found`: one is not there any more */
export async function* readAll(blobs: Blobs, objects: readonly BlobInfo[]): AsyncGenerator<Uint8Array> {
  for (const { key, bytes } of objects) {
    const whole = await blobs.get(key);
    if (whole?.byteLength !== bytes) throw new RunnelError('not-found', 'There is no such file.');
    yield whole;
  }
}

/** Bytes as one file of this node, for as long as `use` lasts. */
export const onDisk = async <T>(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  use: (file: LocalFile) => Promise<T>,
): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-file-'));
  try {
    const path = join(folder, 'bytes');
    const target = await open(path, 'wx', 0o600);
    const digest = createHash('sha256');
    let bytes = 0;
    try {
      for await (const chunk of source) {
        digest.update(chunk);
        await target.write(chunk);
        bytes += chunk.byteLength;
      }
    } finally {
      await target.close();
    }
    return await use({ path, bytes, sha256: digest.digest('hex') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
