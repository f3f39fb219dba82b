// The documents' pictures of the page, drawn from the harness of its tests: `node web/test/draw.ts [name…]`.
import { join } from 'node:path';
import { serveHarness } from './harness-page.ts';
import { draw, GALLERY, GUIDE } from './pictures.ts';

const wanted = process.argv.slice(2);
await using harness = await serveHarness();
const images = join(import.meta.dirname, '../../docs/images');
for (const [folder, pictures] of [
  [images, GUIDE],
  [join(images, 'gallery'), GALLERY],
] as const)
  for (const picture of pictures) if (wanted.length === 0 || wanted.includes(picture.name)) await draw(harness, picture, folder);
