import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

/** A file's life: bytes come; then it is judged, and what GET serves is known. */
export const FileRecord = Type.Object({
  fileId: Type.String(),
  /** Who uploaded it. */
  userId: Type.String(),
  /** As people see it: the last segment of the path they named. */
  name: Type.String(),
  /** What its uploader called it; the type by content wins. */
  filetype: Type.String(),
  /** Bytes that were announced. */
  length: Type.Number(),
  createdAt: Type.Number({ description: 'ms' }),
  /** Present once the file is whole: type by content, and size and digest of what GET serves. */
  whole: Type.Optional(
    Type.Object({
      mediaType: Type.String(),
      bytes: Type.Number(),
      sha256: Type.String(),
      width: Type.Optional(Type.Number()),
      height: Type.Optional(Type.Number()),
      tokens: Type.Optional(Type.Number({ description: 'About, of its text; absent: it has none, or none could be read' })),
    }),
  ),
});
export type FileRecord = Static<typeof FileRecord>;
export type WholeFile = FileRecord & { whole: NonNullable<FileRecord['whole']> };

/** Null: not a record (another release's, a spoilt disk). */
export const parseRecord = (bytes: Uint8Array): FileRecord | null => {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    return Value.Check(FileRecord, value) ? value : null;
  } catch {
    return null;
  }
};
