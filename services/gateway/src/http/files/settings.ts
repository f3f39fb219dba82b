import { setting, type ConfigSpec, type LoadedConfig } from '@runnel/kit';
import {
  BUCKET_KEYS,
  checkFilesUrl,
  createFileStore,
  DEFAULT_TYPES,
  FILES_URL,
  openBlobs,
  type FileContents,
  type FileStore,
  type Keeper,
} from '@runnel/files';

const MIB = 1024 * 1024;
export const fileSettings = {
  filesUrl: {
    ...setting.string('FILES_URL', FILES_URL),
    parse: checkFilesUrl,
  },
  awsAccessKeyId: setting.string('AWS_ACCESS_KEY_ID', BUCKET_KEYS.accessKeyId),
  awsSecretAccessKey: setting.string('AWS_SECRET_ACCESS_KEY', BUCKET_KEYS.secretAccessKey),
  fileMaxBytes: setting.integer('FILE_MAX_BYTES', { default: 50 * MIB, minimum: 1, description: 'Bytes of one uploaded file at most' }),
  filesMaxTotalBytes: setting.integer('FILES_MAX_TOTAL_BYTES', {
    default: 1024 * MIB,
    minimum: 1,
    description: 'Bytes of all files of one user at most',
  }),
  filesMaxCount: setting.integer('FILES_MAX_COUNT', { default: 1_000, minimum: 1, description: 'Files of one user at most' }),
  fileRetentionMs: setting.duration('FILE_RETENTION', {
    default: 0,
    description:
      'For so long after its last use a file stays that no conversation shows any more: two days at least; 0: until its owner deletes it. Needs the audit service',
  }),
  imageMaxPixels: setting.integer('IMAGE_MAX_PIXELS', {
    default: 30_000_000,
    minimum: 1,
    description: 'Pixels of one picture at most, over all of its frames; a gateway needs up to 4 bytes for each while it looks at one',
  }),
  fileTypes: setting.list('FILE_TYPES', {
    default: DEFAULT_TYPES,
    description: 'Media types of files that are taken, by their content; `text/*` stands for all of text; comma-separated',
  }),
};

const DAY_MS = 24 * 60 * 60 * 1000;
/** Conversations that the audit has not read of yet show files, too. */
export const fileRules = [
  {
    of: ['fileRetentionMs'] as const,
    problems: ({ fileRetentionMs }: { fileRetentionMs: number }) =>
      fileRetentionMs > 0 && fileRetentionMs < 2 * DAY_MS ? ['FILE_RETENTION must be 0 or two days at least'] : [],
  },
];

type FileConfig = LoadedConfig<ConfigSpec<typeof fileSettings>>;

/** Null where files are switched off. */
export const openFiles = (
  {
    filesUrl,
    awsAccessKeyId: accessKeyId,
    awsSecretAccessKey: secretAccessKey,
    fileMaxBytes,
    filesMaxTotalBytes,
    filesMaxCount,
    fileTypes,
    fileRetentionMs,
  }: FileConfig,
  contents: FileContents,
  /** Null: nobody knows of conversations, so terms do not count. */
  keeper: Keeper | null,
): FileStore | null => {
  const blobs = openBlobs(filesUrl, { accessKeyId, secretAccessKey });
  const limits = { maxBytes: fileMaxBytes, maxTotalBytes: filesMaxTotalBytes, maxFiles: filesMaxCount, types: fileTypes };
  return blobs && createFileStore(blobs, limits, { contents, ...(keeper && { keeper, termMs: fileRetentionMs }) });
};
