import type { Blobs } from './blobs.ts';
import { dataKey, FILE_ID, recordKey, seenKey, textKey } from './file-keys.ts';
import { parseRecord, type WholeFile } from './file-record.ts';
import { MOST_TEXT_BYTES } from './look-into.ts';
import { isText } from './media-type.ts';

/** What a model is given of a file: its text, or the picture as every provider takes it. */
export type FileContent = { kind: 'text'; text: string } | { kind: 'picture'; mediaType: string; bytes: Uint8Array };

/** Reads files for models. Whose they are was asked when they came into the conversation. */
export interface FileReader {
  /**
   * Null: it was deleted, or there is nothing in it that a model could take. Of a longer text only the first `most` bytes are read.
   *
   * @throws RunnelError `unavailable`
   */
  content(fileId: string, most: number): Promise<FileContent | null>;
}

/** Kinds of pictures that providers take as they are, and bytes of one. */
const TAKEN: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const MOST_PICTURE_BYTES = 5 * 1024 * 1024;

const collect = async (source: AsyncIterable<Buffer>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
};

export const createFileReader = (blobs: Blobs): FileReader => ({
  async content(fileId, most) {
    if (!FILE_ID.test(fileId)) return null;
    const record = await blobs.get(recordKey(fileId));
    const file = record && (parseRecord(record) as WholeFile | null);
    if (!file?.whole) return null;
    const { mediaType, bytes } = file.whole;
    const read = async (size: number): Promise<Buffer> =>
      collect(blobs.read(dataKey(file), 0, Math.min(bytes, size) - 1) as AsyncIterable<Buffer>);
    if (isText(mediaType)) return { kind: 'text', text: textOf(await read(Math.min(most, MOST_TEXT_BYTES))) };
    if (!mediaType.startsWith('image/')) {
      const text = await blobs.get(textKey(fileId));
      return text && { kind: 'text', text: textOf(Buffer.from(text).subarray(0, most)) };
    }
    const seen = await blobs.get(seenKey(fileId));
    if (seen) return { kind: 'picture', mediaType: 'image/jpeg', bytes: seen };
    return TAKEN.has(mediaType) && bytes <= MOST_PICTURE_BYTES ? { kind: 'picture', mediaType, bytes: await read(bytes) } : null;
  },
});

/** A character that was cut in two is left out, as is a mark of byte order. */
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).replace(/\uFFFD$/, '');
