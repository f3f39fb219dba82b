// The documents' pictures of the page, drawn from the harness of its tests: `node scripts/pictures.ts [name…]`.
import { join } from 'node:path';
import { root } from './lib/command.ts';
import { serveHarness } from '../web/test/harness-page.ts';
import { draw, GUIDE } from '../web/test/pictures.ts';

const wanted = process.argv.slice(2);
await using harness = await serveHarness();
for (const picture of GUIDE)
  if (wanted.length === 0 || wanted.includes(picture.name)) await draw(harness, picture, join(root, 'docs/images'));
