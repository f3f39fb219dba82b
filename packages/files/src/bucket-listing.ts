import type { BlobInfo } from './blobs.ts';

/** One page of what a bucket lists. */
export interface Listing {
  objects: BlobInfo[];
  /** With a `/` at their ends. */
  folders: string[];
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

/** Reads an answer of ListObjectsV2. Our names have nothing that XML would escape, so no more of it is read than this. Pure. */
export const readListing = (xml: string): Listing => ({
  objects: within(xml, 'Contents').map((one) => ({ key: textIn(one, 'Key') ?? '', bytes: Number(textIn(one, 'Size') ?? NaN) })),
  folders: within(xml, 'CommonPrefixes').flatMap((one) => textIn(one, 'Prefix') ?? []),
  next: textIn(xml, 'IsTruncated') === 'true' ? textIn(xml, 'NextContinuationToken') : null,
});
