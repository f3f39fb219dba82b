import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { unzipSync, zipSync } from 'fflate';
import type { TextJob } from './texts.ts';

// A thread of its own for one document, which whoever started it ends when it takes too long or too much memory.

const { path, kind, mostBytes, mostPages, mostInflated } = workerData as TextJob;

/** Pages, one after the other, until there is enough. */
const readPdf = async (): Promise<string> => {
  const { getDocumentProxy } = await import('unpdf');
  const options = { maxImageSize: 1, disableFontFace: true, useSystemFonts: false, stopAtErrors: false, verbosity: 0 };
  const pdf = await getDocumentProxy(new Uint8Array(await readFile(path)), options);
  let text = '';
  for (let number = 1; number <= Math.min(pdf.numPages, mostPages) && Buffer.byteLength(text) < mostBytes; number++) {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent();
    text += `${items.map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join('')}\n\n`;
    page.cleanup();
  }
  return text;
};

/** Only what holds words, and no more of it than a document has: what a ZIP says of its sizes bounds what is unpacked. */
const readDocx = async (): Promise<string> => {
  let room = mostInflated;
  const files = unzipSync(new Uint8Array(await readFile(path)), {
    filter({ name, originalSize }) {
      if (!/^(_rels\/|\[Content_Types\]\.xml$|word\/(_rels\/|[a-z]+\d*\.xml$))/i.test(name)) return false;
      room -= originalSize;
      if (room < 0) throw new Error('The document unpacks to too much.');
      return true;
    },
  });
  const { default: mammoth } = await import('mammoth');
  const { value } = await mammoth.extractRawText({ buffer: Buffer.from(zipSync(files, { level: 0 })) });
  return value;
};

const read = { pdf: readPdf, docx: readDocx }[kind];
const text = (await read())
  .replaceAll('\0', '')
  .toWellFormed()
  .replaceAll(/[ \t]+\n/g, '\n')
  .replaceAll(/\n{3,}/g, '\n\n')
  .trim();
parentPort!.postMessage(
  Buffer.from(text)
    .subarray(0, mostBytes)
    .toString()
    .replace(/\uFFFD$/, ''),
);
