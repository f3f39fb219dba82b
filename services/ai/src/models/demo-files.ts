import { quote, type Language } from './demo-answer.ts';
import type { ModelFile } from './provider.ts';

// What models that are none can truly say of files: what they are, and how large. Pure, so that any pod writes the same.

/** `12 B`, `3.4 KB`. */
const sizeOf = (bytes: number): string => {
  const units = ['B', 'KB', 'MB'];
  let size = bytes;
  let unit = 0;
  for (; size >= 1_000 && unit < units.length - 1; unit++) size /= 1_000;
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
};

const WORDS = {
  en: {
    intro: (count: number) => (count === 1 ? 'One file came with it:' : `${count} files came with it:`),
    picture: (measures: string) => `a picture${measures}`,
    text: (lines: number, begin: string) => `text, ${lines === 1 ? '1 line' : `${lines} lines`}; it begins: ${begin}`,
    none: 'I was not given what is in it',
  },
  vi: {
    intro: (count: number) => `Có ${count} tệp đi kèm:`,
    picture: (measures: string) => `một ảnh${measures}`,
    text: (lines: number, begin: string) => `văn bản, ${lines} dòng; bắt đầu bằng: ${begin}`,
    none: 'mình không nhận được nội dung của nó',
  },
} satisfies Record<Language, object>;

const lineOf = ({ part, content }: ModelFile, language: Language): string => {
  const words = WORDS[language];
  const { name = '', mediaType = '', bytes = 0, width, height } = part;
  const measures = width !== undefined && height !== undefined ? ` (${width} × ${height})` : '';
  const said =
    content === null
      ? words.none
      : content.kind === 'picture'
        ? words.picture(measures)
        : words.text(content.text.split('\n').length, quote(content.text));
  return `- **${quote(name)}** (${mediaType}, ${sizeOf(bytes)}): ${said}`;
};

/** A paragraph about the files of a prompt; empty without any. */
export const aboutFiles = (files: readonly ModelFile[], language: Language): string =>
  files.length === 0 ? '' : [WORDS[language].intro(files.length), '', ...files.map((file) => lineOf(file, language))].join('\n');
