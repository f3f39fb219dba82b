// The documents' pictures of the page, drawn from the harness of its tests: `node web/test/draw.ts [name…]`.
import { join } from 'node:path';
import { serveHarness } from './harness-page.ts';
import { draw, GUIDE } from './pictures.ts';

const wanted = process.argv.slice(2);
await using harness = await serveHarness();
for (const picture of GUIDE)
  if (wanted.length === 0 || wanted.includes(picture.name)) await draw(harness, picture, join(import.meta.dirname, '../../docs/images'));
