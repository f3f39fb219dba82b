import { fileURLToPath } from 'node:url';
import { isAbsolute, resolve } from 'node:path';
import type { Blobs } from './blobs.ts';
import { localBlobs } from './local-blobs.ts';

/**
 * Where files are kept, from `FILES_URL`: `file:<folder>`.
 *
 * @throws Error with a sentence for the operator
 */
export const openBlobs = (url: string): Blobs => {
  if (!url.startsWith('file:')) throw new Error('FILES_URL must begin with file:');
  const path = url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
  return localBlobs(isAbsolute(path) ? path : resolve(path));
};
