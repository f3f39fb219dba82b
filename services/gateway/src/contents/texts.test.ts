import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MOST_TEXT_BYTES } from '@runnel/files';
import { expect, onTestFinished, test } from 'vitest';
import { docxOf, pdfOf } from '../../testing/files/documents.ts';
import { createTextReader, type TextLimits } from './texts.ts';

const MIB = 1024 * 1024;
const PDF = 'application/pdf';
const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';

const readOf = async (bytes: Buffer, mediaType: string, limits?: TextLimits): Promise<string | null> => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-texts-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'file');
  await writeFile(path, bytes);
  return createTextReader(limits)(path, mediaType);
};

test.each([
  ['a PDF', pdfOf(['Hello page one', 'and two']), PDF, 'Hello page one\n\nand two'],
  ['a packed PDF', pdfOf(['Hello'], { packed: true }), PDF, 'Hello'],
  ['a DOCX', docxOf(['Xin chào', 'a &amp; b']), DOCX, 'Xin chào\n\na & b'],
])('the words of %s are read', async (_, bytes, mediaType, words) => {
  expect(await readOf(bytes, mediaType)).toBe(words);
});

test.each([
  ['a PDF without words', pdfOf(['']), PDF],
  ['half a PDF', pdfOf(['Hello']).subarray(0, 40), PDF],
  ['no PDF', Buffer.from('%PDF-1.4 and nothing'), PDF],
  ['half a DOCX', docxOf(['Hello']).subarray(0, 300), DOCX],
  ['a DOCX without a document', docxOf([], { 'word/document.xml': Buffer.from('<a>') }), DOCX],
  ['a type that nobody reads', Buffer.from('PK'), 'application/zip'],
])('of %s there are none, and nothing breaks', async (_, bytes, mediaType) => {
  expect(await readOf(bytes, mediaType)).toBeNull();
});

test('of a long document so much is read as a model is given', async () => {
  const words = Array.from({ length: 3_000 }, (_, line) => `${line} ${'chữ '.repeat(200)}`);
  const text = await readOf(docxOf(words), DOCX);
  expect(Buffer.byteLength(text!)).toBeLessThanOrEqual(MOST_TEXT_BYTES);
  expect(Buffer.byteLength(text!)).toBeGreaterThan(MOST_TEXT_BYTES - 4);
  expect(text).not.toContain('\uFFFD');
});

test('a document of many pages is read up to the last that is allowed', async () => {
  const pages = Array.from({ length: 9 }, (_, page) => `page ${page}`);
  expect(await readOf(pdfOf(pages), PDF, { ms: 15_000, heapBytes: 192 * MIB, pages: 2 })).toBe('page 0\n\npage 1');
});

test.each([
  ['a DOCX that unpacks to 64 MiB of words', (): Buffer => docxOf([], { 'word/document.xml': Buffer.alloc(64 * MIB, 'a') }), DOCX],
  [
    'a DOCX whose words are one deep tree',
    (): Buffer => docxOf([], { 'word/document.xml': Buffer.from(`${'<w:p>'.repeat(3_000_000)}`) }),
    DOCX,
  ],
  ['a PDF whose page unpacks to 512 MiB', (): Buffer => pdfOf([Buffer.alloc(512 * MIB)], { packed: true }), PDF],
  ['a PDF whose page says the same without end', (): Buffer => pdfOf([Buffer.alloc(40 * MIB, 'BT (a) Tj ET ')], { packed: true }), PDF],
])('a bomb is not read, and takes neither long nor much: %s', { timeout: 60_000 }, async (_, make, mediaType) => {
  const bytes = make();
  const before = process.memoryUsage.rss();
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss() - before)), 10);
  const startedAt = performance.now();
  const text = await readOf(bytes, mediaType, { ms: 4_000, heapBytes: 96 * MIB, pages: 300 });
  clearInterval(timer);
  expect(text === null || Buffer.byteLength(text) <= MOST_TEXT_BYTES).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(most / MIB).toBeLessThan(400);
});
