import { createRequire } from 'node:module';
import type sharpModule from 'sharp';
import type { Sharp, SharpOptions } from 'sharp';
import type { PictureContent } from '@runnel/files';
import { RunnelError } from '@runnel/protocol';
import { createPlaces } from './places.ts';

/** What models get of a picture: more pixels than that are cut down by their providers anyway. */
const SEEN_PIXELS = 1_568;
/** Of one piece of work on a picture. */
const SECONDS = 20;
/** The prebuilt decoders can do these; others stay as they are. */
const KINDS: Readonly<Record<string, (picture: Sharp) => Sharp>> = {
  'image/jpeg': (picture) => picture.jpeg({ quality: 90 }),
  'image/png': (picture) => picture.png(),
  'image/webp': (picture) => picture.webp({ quality: 90, effort: 2 }),
  'image/gif': (picture) => picture.gif({ effort: 1 }),
  'image/avif': (picture) => picture.avif({ quality: 70, effort: 1 }),
};
const ANIMATED: ReadonlySet<string> = new Set(['image/gif', 'image/webp']);

/** Longest side of a preview, pixels. */
export const PREVIEW = { least: 16, most: 1_024 } as const;

export interface Pictures {
  /**
   * Writes the picture without metadata to `target`, upright. Null: it is of a kind that nothing is known of.
   *
   * @throws RunnelError `unsupported-type`: it is broken, or has too many pixels; `overloaded`: this node took too long
   */
  clean(path: string, mediaType: string, target: string): Promise<PictureContent | null>;
  /** @throws RunnelError `overloaded` */
  preview(seen: Uint8Array, size: number): Promise<Buffer>;
}

type SharpModule = typeof sharpModule;

/** Null where sharp's prebuilt library is not there for this machine. */
const loadSharp = (): SharpModule | null => {
  try {
    return createRequire(import.meta.url)('sharp') as SharpModule;
  } catch {
    return null;
  }
};

/**
 * @param mostPixels of all frames of a picture together; each takes up to four bytes while it is worked on
 * @returns null where sharp is not there
 */
export const openPictures = (mostPixels: number, load: () => SharpModule | null = loadSharp): Pictures | null => {
  const sharp = load();
  if (sharp === null) return null;
  // What a process keeps of one person's picture is nothing for the next; a node has other things to do.
  sharp.cache(false);
  sharp.concurrency(1);
  const open = (input: string | Uint8Array, options: SharpOptions = {}): Sharp =>
    sharp(input, { limitInputPixels: mostPixels, failOn: 'error', ...options }).timeout({ seconds: SECONDS });
  const cleaning = createPlaces(1, 16);
  const previewing = createPlaces(2, 64);
  const refuse = (cause: unknown): never => {
    if (cause instanceof RunnelError) throw cause;
    // A node that has no time for it says nothing about the picture.
    if (cause instanceof Error && cause.message.startsWith('timeout'))
      throw new RunnelError('overloaded', undefined, { cause, retryAfterMs: 1_000 });
    throw new RunnelError('unsupported-type', `The picture cannot be read, or has more than ${mostPixels} pixels.`, { cause });
  };
  return {
    clean: async (path, mediaType, target) => {
      const encode = KINDS[mediaType];
      if (encode === undefined) return null;
      return cleaning(async () => {
        const { width: wide, height: high, pages = 1 } = await open(path).metadata();
        if (wide * high * pages > mostPixels) throw new Error('There are too many pixels.');
        const isMoving = ANIMATED.has(mediaType) && pages > 1;
        const upright = open(path, { animated: isMoving }).autoOrient();
        const { width, height, pageHeight } = await encode(upright).toFile(target);
        const smaller = open(target).resize({ width: SEEN_PIXELS, height: SEEN_PIXELS, fit: 'inside', withoutEnlargement: true });
        const seen = await smaller.flatten({ background: '#ffffff' }).jpeg({ quality: 85 }).toBuffer();
        return { width, height: pageHeight ?? height, seen };
      }).catch(refuse);
    },
    preview: (seen, size) =>
      previewing(() =>
        open(seen).resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true }).webp({ quality: 80 }).toBuffer(),
      ),
  };
};
