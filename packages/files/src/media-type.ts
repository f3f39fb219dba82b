import { fileTypeFromFile } from 'file-type';
import { createReadStream } from 'node:fs';

/** What is taken when nothing else is configured; `*` stands for any subtype. */
export const DEFAULT_TYPES = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/svg+xml',
  'application/pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'text/*',
];

const TEXT_TYPE = /^text\/[a-z0-9][a-z0-9.+-]{0,60}$/;
/** Their content is text; what they are is said by their first element. */
const XML = 'application/xml';
/** The first element, behind the declaration, a doctype and comments. */
const SVG = /^\uFEFF?\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*)*(<!DOCTYPE[^>[]*>\s*)?(<!--[\s\S]*?-->\s*)*<svg[\s>]/i;
const HEAD_CHARS = 4_096;
/** Bytes read at a time: each read waits for a thread. */
const AT_ONCE = 1024 * 1024;

/** The beginning of a file that is valid UTF-8 without NUL; null for one that is not. */
const textHead = async (path: string): Promise<string | null> => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let head = '';
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: AT_ONCE }) as AsyncIterable<Buffer>) {
      if (bytes.includes(0)) return null;
      const text = decoder.decode(bytes, { stream: true });
      if (head.length < HEAD_CHARS) head += text.slice(0, HEAD_CHARS);
    }
    decoder.decode();
    return head;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
};

/**
 * What a file is by its content. What its uploader called it chooses among `text/*` only.
 *
 * @returns null for what is neither known nor text
 */
export const mediaTypeOf = async (path: string, filetype: string): Promise<string | null> => {
  const known = (await fileTypeFromFile(path))?.mime;
  if (known !== undefined && known !== XML && !known.startsWith('text/')) return known;
  const head = await textHead(path);
  if (head === null) return null;
  if (SVG.test(head)) return 'image/svg+xml';
  const named = filetype.toLowerCase().split(';', 1)[0]!.trim();
  // As a page it would run in whoever opens it; it is served as what it is made of.
  if (!TEXT_TYPE.test(named) || named === 'text/html') return 'text/plain';
  return named;
};

/** Its content is its text; a vector graphic is one for a browser only. Pure. */
export const isText = (mediaType: string): boolean => mediaType.startsWith('text/') || mediaType === 'image/svg+xml';

/** Pure. */
export const isAllowed = (mediaType: string, types: readonly string[]): boolean =>
  types.some((type) => type === mediaType || (type.endsWith('/*') && mediaType.startsWith(type.slice(0, -1))));
