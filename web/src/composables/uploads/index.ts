export { dropAllFiles, dropFile, keepFile, keptFiles } from './kept-files.ts';
export { thumbnailOf } from './thumbnail.ts';
export { startUpload } from './uploader.ts';
