import { hash } from 'node:crypto';
import type { FileRecord, WholeFile } from './file-record.ts';

// Names of the objects that a file is made of.

export const FILE_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** Of a file that came whole, by what it is: two of the same are one. */
export const keptId = (of: readonly string[]): string => hash('sha256', JSON.stringify(of), 'hex').slice(0, 32);
export const folderOf = (fileId: string): string => `files/${fileId}`;
export const recordKey = (fileId: string): string => `${folderOf(fileId)}/record.json`;
export const segmentsOf = (fileId: string): string => `${folderOf(fileId)}/segments`;
/** What GET serves. Two nodes may judge a file at once: what the record names is what it means. */
export const dataKey = ({ fileId, whole }: WholeFile): string => `${folderOf(fileId)}/data-${whole.sha256}`;
/** What models see of a picture, and read of a document. */
export const seenKey = (fileId: string): string => `${folderOf(fileId)}/seen`;
export const textKey = (fileId: string): string => `${folderOf(fileId)}/text`;
export const usedKey = (fileId: string): string => `${folderOf(fileId)}/used`;
export const ownerFolder = (userId: string): string => `owners/${hash('sha256', userId.toWellFormed(), 'hex')}`;
/** An empty object whose name says how large the file will be: one listing tells what a person has. */
export const ownerKey = ({ userId, fileId, length }: FileRecord): string => `${ownerFolder(userId)}/${fileId}.${length}`;
/** Of files that their owner deleted while they are held: their record, until the hold ends. */
export const asideFolder = (userId: string): string => `aside/${hash('sha256', userId.toWellFormed(), 'hex')}`;
export const asideKey = ({ userId, fileId }: Pick<FileRecord, 'userId' | 'fileId'>): string => `${asideFolder(userId)}/${fileId}`;
