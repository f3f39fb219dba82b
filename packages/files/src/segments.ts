import type { BlobInfo } from './blobs.ts';

/** Bytes of a segment at most. A stream holds two of them in memory: what is filled and what is written. */
export const SEGMENT_BYTES = 1024 * 1024;

/** Each request adds a segment, and each looks at all of them: who sends a file byte by byte is told so before that costs others time. */
export const mostSegments = (length: number): number => 1_000 + Math.ceil(length / (16 * 1024));

/** `<folder>/at-000000000042`: its bytes begin at byte 42. */
export const segmentKey = (folder: string, at: number): string => `${folder}/at-${String(at).padStart(12, '0')}`;

/** The segments that follow on each other from byte 0; what lies beyond a hole is left out. Pure. */
export const contiguous = (listed: readonly BlobInfo[]): { segments: BlobInfo[]; bytes: number } => {
  const segments: BlobInfo[] = [];
  let bytes = 0;
  for (const blob of listed) {
    if (!blob.key.endsWith(segmentKey('', bytes))) continue;
    segments.push(blob);
    bytes += blob.bytes;
  }
  return { segments, bytes };
};
