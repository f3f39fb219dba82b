import type { Client } from '@runnel/client';

/** Longer sides of pictures in a conversation are half of that, on a fine screen. */
const SIZE = 512;
/** Without a preview a picture is shown itself, up to so many bytes. */
const WHOLE_BYTES = 3_000_000;

const dataUrl = (blob: Blob): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error!);
    reader.readAsDataURL(blob);
  });

/** A picture as an address that the page's policy lets be shown; null where there is none. A token goes with the call, as no `<img>` could. */
export const previewOf = async (files: Client['files'], fileId: string, bytes: number): Promise<string | null> => {
  const small = await files.preview(fileId, SIZE).catch(() => null);
  const blob = small ?? (bytes <= WHOLE_BYTES ? await files.read(fileId).catch(() => null) : null);
  return blob && /^image\/(png|jpeg|gif|webp|avif)$/.test(blob.type) ? dataUrl(blob) : null;
};
