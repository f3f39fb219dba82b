import type { IncomingHttpHeaders } from 'node:http';
import { RunnelError } from '@runnel/protocol';
import type { Checksum } from '@runnel/files';

// The headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload), read and written. Pure.

export const TUS_VERSION = '1.0.0';
export const TUS_EXTENSIONS = 'creation,creation-with-upload,expiration,checksum,termination';
const ALGORITHMS = { sha256: 32, sha1: 20 } as const;
export const TUS_ALGORITHMS = Object.keys(ALGORITHMS).join(',');

const MOST_METADATA = 8_192;
const bad = (what: string): RunnelError => new RunnelError('bad-frame', what);
const header = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
};

/** A whole number of bytes. @throws RunnelError `bad-frame` */
export const bytesOf = (headers: IncomingHttpHeaders, name: 'upload-length' | 'upload-offset'): number => {
  const value = header(headers, name);
  if (value === undefined || !/^\d{1,15}$/.test(value)) throw bad(`${name}: a whole number of bytes is needed.`);
  return Number(value);
};

/** Keys with their values as text. @throws RunnelError `bad-frame` */
export const metadataOf = (headers: IncomingHttpHeaders): Map<string, string> => {
  const given = header(headers, 'upload-metadata') ?? '';
  if (given.length > MOST_METADATA) throw bad('upload-metadata: too long.');
  const pairs = new Map<string, string>();
  for (const pair of given.split(',').filter((part) => part.trim() !== '')) {
    const [key, value = '', ...more] = pair.trim().split(/ +/);
    const isFit = /^[!-+\--~]+$/.test(key!) && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && more.length === 0 && !pairs.has(key!);
    if (!isFit) throw bad('upload-metadata: keys once each, with a value in base64.');
    pairs.set(key!, Buffer.from(value, 'base64').toString());
  }
  return pairs;
};

export const metadataHeader = (pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`.trim())
    .join(',');

/** @throws RunnelError `bad-frame` for an algorithm that is not ours, or a digest of another length */
export const checksumOf = (headers: IncomingHttpHeaders): Checksum | undefined => {
  const given = header(headers, 'upload-checksum');
  if (given === undefined) return undefined;
  const [, algorithm, value] = /^(sha256|sha1) ([A-Za-z0-9+/]+={0,2})$/.exec(given.trim()) ?? [];
  const digest = Buffer.from(value ?? '', 'base64');
  const isOurs = (name: string | undefined): name is keyof typeof ALGORITHMS => name !== undefined && name in ALGORITHMS;
  if (!isOurs(algorithm) || digest.length !== ALGORITHMS[algorithm]) throw bad(`upload-checksum: one of ${TUS_ALGORITHMS}, in base64.`);
  return { algorithm, digest };
};
