import { refuse } from '../api-error.ts';

/** A file that came inside a request, decoded. */
export interface InlineFile {
  name: string;
  /** What the caller called it; the type by content wins. */
  filetype: string;
  /** Emptied once they are kept. */
  bytes: Buffer;
  size: number;
  /** It was sent as a picture, and must be one. */
  isPicture: boolean;
  /** How closely a model should look at a picture. */
  detail?: string;
  /** The field that it came in. */
  param: string;
}

const DATA_URL = /^data:([\w.+/-]{1,100})(?:;[\w=.+-]{1,100})*;base64$/;
/** Of a data URL before its comma. */
const MOST_HEAD = 300;
const DETAILS = new Set(['auto', 'low', 'high', 'original']);

/** Strict where Node's decoder is not: what it would pass over is refused. @throws ApiError `invalid_base64` */
const decoded = (given: string, param: string): Buffer => {
  const text = /\s/.test(given) ? given.replace(/\s+/g, '') : given;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(text, 'base64');
  const digits = text.length - padding;
  const isWhole = digits > 0 && digits % 4 !== 1 && (padding === 0 || text.length % 4 === 0);
  if (!isWhole || bytes.length !== Math.floor((digits * 3) / 4)) return refuse(param, 'is not base64.', 'invalid_base64');
  return bytes;
};

/** A data URL and nothing else: what lies at an address of the caller's choosing is fetched by nobody here, nor by the provider. */
const dataOf = (url: unknown, param: string): { mediaType: string; bytes: Buffer } => {
  if (url === undefined || url === null) return refuse(param, 'is missing.', 'missing_required_parameter');
  if (typeof url !== 'string') return refuse(param, 'must be a string.', 'invalid_type');
  const comma = url.slice(0, MOST_HEAD).indexOf(',');
  const [, mediaType] = DATA_URL.exec(url.slice(0, Math.max(0, comma))) ?? [];
  if (mediaType === undefined) return refuse(param, 'must be a base64 data: URL.', 'invalid_value');
  return { mediaType, bytes: decoded(url.slice(comma + 1), param) };
};

/** The ending that people know a kind of picture by. */
const endingOf = (mediaType: string): string => (/^image\/([a-z0-9]{1,10})/.exec(mediaType)?.[1] ?? 'image').replace('jpeg', 'jpg');

/** `at`: from 1, among the files of its message. `params` are the fields of the request. @throws ApiError */
export const inlinePicture = (
  { url, detail }: { url: unknown; detail: unknown },
  at: number,
  params: { url: string; detail: string },
): InlineFile => {
  const { mediaType, bytes } = dataOf(url, params.url);
  if (detail !== undefined && detail !== null && (typeof detail !== 'string' || !DETAILS.has(detail)))
    refuse(params.detail, `must be one of ${[...DETAILS].join(', ')}.`, 'invalid_value');
  const named = { name: `image-${at}.${endingOf(mediaType)}`, filetype: mediaType };
  return {
    ...named,
    bytes,
    size: bytes.length,
    isPicture: true,
    param: params.url,
    ...(typeof detail === 'string' && detail !== 'auto' && { detail }),
  };
};

/** @throws ApiError */
export const inlineFile = (
  { data, name }: { data: unknown; name: unknown },
  at: number,
  params: { data: string; name: string },
): InlineFile => {
  const { mediaType, bytes } = dataOf(data, params.data);
  if (name !== undefined && name !== null && typeof name !== 'string') refuse(params.name, 'must be a string.', 'invalid_type');
  const own = typeof name === 'string' && name.trim() !== '' ? name : `file-${at}`;
  return { name: own, filetype: mediaType, bytes, size: bytes.length, isPicture: false, param: params.data };
};

/** As people read of it where it is not shown itself. */
export const wordsOf = ({ name, size }: InlineFile): string => `[${name}, ${Math.max(1, Math.round(size / 1024))} KiB]`;
