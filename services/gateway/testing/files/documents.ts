import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { zipSync, type Zippable } from 'fflate';

/** A PDF whose pages each say one text, or have this content. */
export const pdfOf = (pages: readonly (string | Uint8Array)[], { packed = false } = {}): Buffer => {
  const objects: Buffer[] = [];
  const kids = pages.map((_, index) => `${4 + index * 2} 0 R`).join(' ');
  const add = (body: string | Buffer): void => void objects.push(Buffer.isBuffer(body) ? body : Buffer.from(body, 'latin1'));
  add('<< /Type /Catalog /Pages 2 0 R >>');
  add(`<< /Type /Pages /Kids [${kids}] /Count ${pages.length} >>`);
  add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>');
  pages.forEach((page, index) => {
    const plain = typeof page === 'string' ? Buffer.from(`BT /F1 12 Tf 72 720 Td (${page}) Tj ET`, 'latin1') : Buffer.from(page);
    const content = packed ? deflateSync(plain) : plain;
    add(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + index * 2} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`);
    const head = `<< /Length ${content.length}${packed ? ' /Filter /FlateDecode' : ''} >>\nstream\n`;
    add(Buffer.concat([Buffer.from(head), content, Buffer.from('\nendstream')]));
  });
  const chunks = [Buffer.from('%PDF-1.4\n')];
  const offsets: number[] = [];
  let at = chunks[0]!.length;
  objects.forEach((body, index) => {
    const object = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), body, Buffer.from('\nendobj\n')]);
    offsets.push(at);
    at += object.length;
    chunks.push(object);
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  chunks.push(
    Buffer.from(`xref\n0 ${size}\n0000000000 65535 f \n${table}trailer << /Size ${size} /Root 1 0 R >>\nstartxref\n${at}\n%%EOF`),
  );
  return Buffer.concat(chunks);
};

/** A DOCX whose paragraphs say these texts; `more` of its files, or others instead. */
export const docxOf = (paragraphs: readonly string[], more: Zippable = {}): Buffer => {
  const text = (value: string): Uint8Array => Buffer.from(value);
  const type = 'application/vnd.openxmlformats-officedocument';
  const body = paragraphs.map((words) => `<w:p><w:r><w:t>${words}</w:t></w:r></w:p>`).join('');
  return Buffer.from(
    zipSync({
      '[Content_Types].xml': text(
        `<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="${type}.wordprocessingml.document.main+xml"/></Types>`,
      ),
      '_rels/.rels': text(
        `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
      ),
      'word/document.xml': text(
        `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>${body}</w:body></w:document>`,
      ),
      ...more,
    }),
  );
};

/** A JPEG as a camera makes them: nothing in it is alike, so that it is as much work as a photograph. */
export const photoOf = (width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#888', noise: { type: 'gaussian', mean: 128, sigma: 40 } } })
    .jpeg({ quality: 85 })
    .toBuffer();
