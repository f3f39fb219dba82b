import { fileURLToPath } from 'node:url';
import { isAbsolute, join, resolve } from 'node:path';
import type { Blobs } from './blobs.ts';
import { localBlobs } from './local-blobs.ts';

/** Switches files off. */
export const NO_FILES = 'none';

/** What every service says of the setting, which all of them share. */
export const FILES_URL = {
  default: `file:${join(import.meta.dirname, '../../../.data/files')}`,
  defaultText: '`file:.data/files` in the checkout; standalone: `files` under `DATA_DIR`',
  description: 'Where uploaded files are kept, the same for all services: `file:<folder>`, which all nodes must share; `none`: no files',
};

/**
 * Where files are kept, from `FILES_URL`: `file:<folder>`; null: there are none.
 *
 * @throws Error with a sentence for the operator
 */
export const openBlobs = (url: string): Blobs | null => {
  if (url === NO_FILES) return null;
  if (!url.startsWith('file:')) throw new Error('FILES_URL must begin with file:, or be none');
  const path = url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
  return localBlobs(isAbsolute(path) ? path : resolve(path));
};
