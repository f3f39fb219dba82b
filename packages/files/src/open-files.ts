import { fileURLToPath } from 'node:url';
import { isAbsolute, join, resolve } from 'node:path';
import type { Blobs } from './blobs.ts';
import { bucketBlobs } from './bucket/blobs.ts';
import { bucketPlace, type BucketKeys } from './bucket/url.ts';
import { localBlobs } from './local-blobs.ts';

/** Switches files off. */
export const NO_FILES = 'none';

/** What every service says of the setting, which all of them share. */
export const FILES_URL = {
  default: `file:${join(import.meta.dirname, '../../../.data/files')}`,
  defaultText: '`file:.data/files` in the checkout; standalone: `files` under `DATA_DIR`',
  description:
    'Where uploaded files are kept, the same for all services: `file:<folder>`, which all nodes must share; ' +
    '`s3://<bucket>?endpoint=<https://host>&region=<region>`, any store that speaks S3 and knows `If-None-Match` on PUT; `none`: no files',
};

/** What a bucket is asked with; every service says the same of them. */
export const BUCKET_KEYS = {
  accessKeyId: { optional: true, secret: true, description: 'The access key of the bucket in `FILES_URL`' },
  secretAccessKey: { optional: true, secret: true, description: 'Its secret' },
} as const;

const folderOf = (url: string): string => {
  const path = url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
  return isAbsolute(path) ? path : resolve(path);
};

/** The setting as it is, if it is one. @throws Error with a sentence for the operator */
export const checkFilesUrl = (url: string): string => {
  if (url.startsWith('s3:')) bucketPlace(url);
  else if (url !== NO_FILES && !url.startsWith('file:')) throw new Error('FILES_URL must begin with file: or s3:, or be none');
  return url;
};

/**
 * Where files are kept, from `FILES_URL`: `file:<folder>`, `s3://<bucket>`; null: there are none.
 *
 * @throws Error with a sentence for the operator
 */
export const openBlobs = (
  url: string,
  { accessKeyId, secretAccessKey }: { [name in keyof BucketKeys]?: string | undefined } = {},
): Blobs | null => {
  checkFilesUrl(url);
  if (url === NO_FILES) return null;
  if (url.startsWith('file:')) return localBlobs(folderOf(url));
  if (!accessKeyId || !secretAccessKey) throw new Error('FILES_URL=s3://… needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  return bucketBlobs(bucketPlace(url), { accessKeyId, secretAccessKey });
};
