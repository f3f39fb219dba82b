import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { BYTES_PER_TOKEN, RunnelError } from '@runnel/protocol';
import type { WholeFile } from './file-record.ts';
import { isAllowed, isText, mediaTypeOf } from './media-type.ts';

/** Bytes of UTF-8 that a model is given of one file at most. */
export const MOST_TEXT_BYTES = 1024 * 1024;

export interface PictureContent {
  /** Pixels, upright. */
  width: number;
  height: number;
  /** JPEG: what models are given of it. */
  seen: Uint8Array;
}

/** Who can look into files of some types. Both may say null: nothing is known of such a file, or nothing could be read. */
export interface FileContents {
  /**
   * Writes the picture without metadata to `target`.
   *
   * @throws RunnelError `unsupported-type`: broken, or too large to look at; `overloaded`
   */
  picture(path: string, mediaType: string, target: string): Promise<PictureContent | null>;
  /** The words of a document. @throws RunnelError `overloaded` */
  text(path: string, mediaType: string): Promise<string | null>;
}

/** What is known of a file that is whole, and where the bytes are that GET serves. */
export interface Looked {
  path: string;
  whole: WholeFile['whole'];
  seen?: Uint8Array;
  text?: string;
}

const digestOf = async (path: string): Promise<{ bytes: number; sha256: string }> => {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    digest.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: digest.digest('hex') };
};

const tokensOf = (bytes: number): number => Math.ceil(Math.min(bytes, MOST_TEXT_BYTES) / BYTES_PER_TOKEN);

/**
 * Judges a file by its content. `path` is the file, `given` its size and digest; beside it there is room for another one.
 *
 * @throws RunnelError `unsupported-type`; `overloaded`
 */
export const lookInto = async (
  path: string,
  {
    filetype,
    types,
    contents,
    ...given
  }: { bytes: number; sha256: string; filetype: string; types: readonly string[]; contents: FileContents | null },
): Promise<Looked> => {
  const mediaType = await mediaTypeOf(path, filetype);
  if (mediaType === null || !isAllowed(mediaType, types))
    throw new RunnelError('unsupported-type', `Files of this type are not taken${mediaType === null ? '' : `: ${mediaType}`}.`);
  if (isText(mediaType)) return { path, whole: { mediaType, ...given, tokens: tokensOf(given.bytes) } };
  if (contents === null) return { path, whole: { mediaType, ...given } };
  if (mediaType.startsWith('image/')) {
    const target = `${path}-clean`;
    const picture = await contents.picture(path, mediaType, target);
    if (picture === null) return { path, whole: { mediaType, ...given } };
    const { width, height, seen } = picture;
    return { path: target, whole: { mediaType, ...(await digestOf(target)), width, height }, seen };
  }
  const text = await contents.text(path, mediaType);
  return {
    path,
    whole: { mediaType, ...given, ...(text !== null && { tokens: tokensOf(Buffer.byteLength(text)) }) },
    ...(text !== null && { text }),
  };
};
