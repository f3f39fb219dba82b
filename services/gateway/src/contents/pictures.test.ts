import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { hugePng } from '../../testing/files/huge-png.ts';
import { expect, onTestFinished, test } from 'vitest';
import { openPictures } from './pictures.ts';

const pictures = openPictures(30_000_000)!;
const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), 'runnel-pictures-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
};
const cleaned = async (bytes: Uint8Array, mediaType: string) => {
  const dir = await folder();
  await writeFile(join(dir, 'in'), bytes);
  const content = await pictures.clean(join(dir, 'in'), mediaType, join(dir, 'out'));
  return { content, bytes: content && (await readFile(join(dir, 'out'))) };
};
const plain = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#4488cc' } });
/** As a phone takes it: on its side, with the place and the name of who took it. */
const withSecrets = (picture: Sharp) =>
  picture
    .withExif({ IFD0: { Artist: 'SECRET-NAME' }, IFD3: { GPSLatitude: '10/1 46/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>SECRET-XMP</a></x:xmpmeta>');

test.each(['jpeg', 'png', 'webp', 'avif'] as const)('a %s loses its metadata, stands upright, and its size is known', async (format) => {
  const given = await withSecrets(plain(60, 40)).toFormat(format).toBuffer();
  expect(given.includes('SECRET')).toBe(true);
  const { content, bytes } = await cleaned(given, `image/${format}`);
  const isTurned = format !== 'avif';
  expect([content!.width, content!.height]).toEqual(isTurned ? [40, 60] : [content!.width, content!.height]);
  for (const output of [bytes!, content!.seen]) {
    expect(Buffer.from(output).includes('SECRET')).toBe(false);
    const { exif, xmp, iptc, orientation = 1 } = await sharp(output).metadata();
    expect([exif, xmp, iptc, orientation]).toEqual([undefined, undefined, undefined, 1]);
  }
  expect((await sharp(bytes!).metadata()).format).toBe(format === 'avif' ? 'heif' : format);
  expect((await sharp(content!.seen).metadata()).format).toBe('jpeg');
});

test('a moving picture goes on moving; models see its first frame', async () => {
  const frames = await Promise.all(['#f00', '#0f0', '#00f'].map((background) => plain(30, 20).tint(background).png().toBuffer()));
  const gif = await sharp(frames, { join: { animated: true } })
    .gif({ delay: [100, 100, 100] })
    .toBuffer();
  const { content, bytes } = await cleaned(gif, 'image/gif');
  expect((await sharp(bytes!).metadata()).pages).toBe(3);
  expect([content!.width, content!.height]).toEqual([30, 20]);
  expect(await sharp(content!.seen).metadata()).toMatchObject({ width: 30, height: 20 });
});

test('what models see is no larger than they look at', async () => {
  const { content } = await cleaned(await plain(4_000, 1_000).jpeg().toBuffer(), 'image/jpeg');
  expect(await sharp(content!.seen).metadata()).toMatchObject({ width: 1_568, height: 392 });
});

test.each([16, 100, 256, 1_024])('a preview of size %d has that longest side, and is never larger than the picture', async (size) => {
  const seen = await plain(900, 300).jpeg().toBuffer();
  const { width, height, format } = await sharp(await pictures.preview(seen, size)).metadata();
  expect({ width, height, format }).toEqual({ width: Math.min(size, 900), height: Math.round(Math.min(size, 900) / 3), format: 'webp' });
});

test.each([
  ['that says it has 10,000 million pixels', () => hugePng(100_000, 100_000), 'image/png'],
  ['with one pixel more than is allowed', () => hugePng(6_000, 5_001), 'image/png'],
  ['that says more than it has', () => hugePng(5_000, 5_000), 'image/png'],
  ['that is cut', async () => (await plain(500, 500).jpeg().toBuffer()).subarray(0, 400), 'image/jpeg'],
  ['that is something else', () => Buffer.from('GIF89a and nothing'), 'image/gif'],
])('a picture %s is refused', async (_, make, mediaType) => {
  await expect(cleaned(await make(), mediaType)).rejects.toMatchObject({ code: 'unsupported-type' });
});

test('a moving bomb is refused: its frames count together', async () => {
  const shades = Array.from({ length: 32 }, (_, shade) => ({ r: shade * 8, g: 0, b: 0 }));
  const frames = await Promise.all(
    shades.map((background) =>
      sharp({ create: { width: 1_000, height: 1_000, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  const gif = await sharp(frames, { join: { animated: true }, limitInputPixels: false })
    .gif({ effort: 1 })
    .toBuffer();
  await expect(cleaned(gif, 'image/gif')).rejects.toMatchObject({ code: 'unsupported-type' });
});

test('a kind that nothing is known of stays as it is; without sharp there are no pictures', async () => {
  expect(await cleaned(Buffer.from('II*'), 'image/tiff')).toEqual({ content: null, bytes: null });
  expect(openPictures(1, () => null)).toBeNull();
});

test('a picture that this node has no time for is not refused for good', async () => {
  const slow = Object.assign(
    () => ({
      timeout: () => ({
        metadata: async () => {
          throw new Error('timeout: 12% complete');
        },
      }),
    }),
    { cache: () => undefined, concurrency: () => undefined },
  );
  const late = openPictures(1, () => slow as unknown as typeof sharp)!;
  await expect(late.clean('in', 'image/png', 'out')).rejects.toMatchObject({ code: 'overloaded', retryable: true });
});
