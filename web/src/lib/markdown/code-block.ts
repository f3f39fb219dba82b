import { piecesOf, type CodePiece } from './highlight.ts';

/** A block of an answer that is one fenced block of code and nothing else. */
export interface FencedCode {
  language: string;
  code: string;
}

const OPENING = /^(?:[ \t]*\n)*( {0,3})(`{3,}|~{3,})([^\n]*)(?:\n|$)/;

/** Null: something else, which the Markdown parser knows. `open`: more of it may come, so that its last line may be the beginning of its end. */
export const fencedCode = (source: string, open: boolean): FencedCode | null => {
  const [head, indent = '', mark = '', info = ''] = OPENING.exec(source) ?? [];
  if (head === undefined || (mark.startsWith('`') && info.includes('`'))) return null;
  let code = source.slice(head.length);
  const end = code.trimEnd();
  const start = end.lastIndexOf('\n') + 1;
  const last = end.slice(start).trimStart();
  const isMark = last !== '' && last === mark[0]!.repeat(last.length);
  if (isMark && (last.length >= mark.length || (open && end.length === code.length))) code = code.slice(0, start);
  // Not closed by its own mark in the middle of the block: then the parser decides.
  if (new RegExp(`^ {0,3}${mark}${mark[0]}*[ \\t]*$`, 'm').test(code)) return null;
  if (indent !== '') code = code.replaceAll(new RegExp(`^ {1,${indent.length}}`, 'gm'), '');
  return { language: /^[\w+#.-]{1,24}/.exec(info.trim())?.[0] ?? '', code };
};

/** Code as far as it can be said for good, and the rest of it. */
export interface GrownCode {
  code: string;
  language: string;
  /** So many characters are settled: no later text changes their pieces. */
  settled: number;
  /** Settled by this step; those before stand already. */
  fresh: readonly CodePiece[];
  tail: readonly CodePiece[];
  /** Nothing of what stood before holds any more. */
  anew: boolean;
}

/**
 * The next state of growing code. A piece is settled when it ends before the beginning of the last line that has something in it: a name and
 * its bracket may be a line apart, and a comment or a string without an end reaches to the end of the text. So the cost of one more line is
 * that of the lines that are not settled, however long the code is.
 */
export const growCode = (before: GrownCode | null, code: string, language: string): GrownCode => {
  const anew = !before || before.language !== language || !code.startsWith(before.code);
  const from = anew ? 0 : before.settled;
  const limit = code.lastIndexOf('\n', code.trimEnd().length - 1) + 1;
  const fresh: CodePiece[] = [];
  const tail: CodePiece[] = [];
  let at = from;
  for (const piece of piecesOf(code, language, from)) {
    const end = at + piece.text.length;
    if (tail.length === 0 && end <= limit) fresh.push(piece);
    else if (tail.length === 0 && piece.kind === null && at < limit) {
      fresh.push({ ...piece, text: piece.text.slice(0, limit - at) });
      tail.push({ ...piece, text: piece.text.slice(limit - at) });
    } else tail.push(piece);
    at = end;
  }
  const settled = from + fresh.reduce((sum, { text }) => sum + text.length, 0);
  return { code, language, settled, fresh, tail, anew };
};
