import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { GALLERY } from './pictures.ts';

const docs = join(import.meta.dirname, '../../docs');

test('every picture of the gallery is drawn, and shown in docs/design.md; there is no other', async () => {
  const files = GALLERY.map(({ name }) => `${name}.png`).toSorted();
  expect((await readdir(join(docs, 'images/gallery'))).toSorted()).toEqual(files);
  const shown = [...(await readFile(join(docs, 'design.md'), 'utf8')).matchAll(/\(images\/gallery\/([^)]+)\)/g)].map((match) => match[1]);
  expect(shown.toSorted()).toEqual(files);
});
