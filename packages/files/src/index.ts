export { createFileStore, UNUSED_MS, type FileLimits, type FileStore, type NewFile } from './file-store.ts';
export { createFileReader, type FileContent, type FileReader } from './file-reader.ts';
export type { Blobs, BlobInfo } from './blobs.ts';
export { MOST_TEXT_BYTES, type FileContents, type PictureContent } from './look-into.ts';
export type { Appended, Checksum } from './write-segments.ts';
export { localBlobs } from './local-blobs.ts';
export { DEFAULT_TYPES } from './media-type.ts';
export { BUCKET_KEYS, checkFilesUrl, FILES_URL, NO_FILES, openBlobs } from './open-files.ts';
export type { FileRecord, WholeFile } from './file-record.ts';
