import type { BlobInfo } from '../blobs.ts';

/** One page of what a bucket lists. */
export interface Listing {
  objects: BlobInfo[];
  /** Where the next page begins; null: this was the last. */
  next: string | null;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const plain = (xml: string): string =>
  xml.replace(/&(?:(amp|lt|gt|quot|apos)|#(\d{1,7}));/g, (_, name: string | undefined, code: string) =>
    name ? ENTITIES[name]! : String.fromCodePoint(Number(code)),
  );
const within = (xml: string, element: string): string[] =>
  [...xml.matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, 'g'))].map(([, inner]) => inner!);
const textIn = (xml: string, element: string): string | null => {
  const [text] = within(xml, element);
  return text === undefined ? null : plain(text);
};

/** Anything else that says 200 must not pass for a folder without objects. */
const LISTING = /<ListBucketResult[\s>][\s\S]*<\/ListBucketResult>\s*$/;

/**
 * Reads an answer of ListObjectsV2; null: it is none. Our names have nothing that XML would escape, so no more of it is read than this. Pure.
 */
export const readListing = (xml: string): Listing | null =>
  LISTING.test(xml)
    ? {
        objects: within(xml, 'Contents').map((one) => ({ key: textIn(one, 'Key') ?? '', bytes: Number(textIn(one, 'Size') ?? NaN) })),
        next: textIn(xml, 'IsTruncated') === 'true' ? textIn(xml, 'NextContinuationToken') : null,
      }
    : null;

/** Whether a 404 is said of the object, and not of the bucket, or by something before it. Pure. */
export const isNoSuchKey = (xml: string): boolean => textIn(xml, 'Code') === 'NoSuchKey';
