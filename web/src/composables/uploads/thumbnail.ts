/** Pixels of the longer side. */
const SIZE = 96;

/** A small picture of a picture as a `data:` address, which the page's policy lets be shown; null for what is none. */
export const thumbnailOf = async (file: Blob): Promise<string | null> => {
  if (!/^image\/(png|jpeg|gif|webp|avif)$/.test(file.type)) return null;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIZE / Math.max(picture.width, picture.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return canvas.toDataURL('image/webp', 0.8);
  } catch {
    // Not what its name says.
    return null;
  }
};
