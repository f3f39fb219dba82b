import { GRAMMARS, type Grammar } from './grammars.ts';

type Escape = (text: string) => string;

const scanners = new Map<Grammar, RegExp>();
const scannerOf = (grammar: Grammar): RegExp => {
  let scanner = scanners.get(grammar);
  if (!scanner) {
    const { comment, string, number, formed, removed, word } = grammar;
    const groups = [comment, string, number, formed, removed, word].map((part) => `(${part})`);
    scanners.set(grammar, (scanner = new RegExp(`${groups.join('|')}(\\s*\\()?`, 'gm')));
  }
  return scanner;
};

/** A stretch of code and what it is; null: nothing that is coloured. */
export interface CodePiece {
  text: string;
  kind: 'comment' | 'string' | 'number' | 'keyword' | 'removed' | 'call' | null;
}

/**
 * Code from `from` on as pieces. One pass with one expression: no grammar of any language, so it may be wrong in a corner, but never slow.
 * `from` must be 0 or stand where an earlier piece ended.
 */
export function* piecesOf(code: string, language: string, from = 0): Generator<CodePiece> {
  const grammar = GRAMMARS.get(language.toLowerCase());
  let last = from;
  if (grammar) {
    const scanner = new RegExp(scannerOf(grammar));
    scanner.lastIndex = from;
    for (let match = scanner.exec(code); match; match = scanner.exec(code)) {
      const [whole, comment, string, number, formed, removed, word = '', call] = match;
      const named =
        word === '' ? null : grammar.keywords.test(word) ? 'keyword' : call !== undefined ? 'call' : grammar.attributes ? 'call' : null;
      const kind = comment ? 'comment' : string ? 'string' : number ? 'number' : formed ? 'keyword' : removed ? 'removed' : named;
      if (!kind) continue;
      const marked = call === undefined ? whole : word;
      if (match.index > last) yield { text: code.slice(last, match.index), kind: null };
      yield { text: marked, kind };
      last = match.index + marked.length;
    }
  }
  if (last < code.length) yield { text: code.slice(last), kind: null };
}

/** The same as HTML that is safe to show, with the kinds as classes. */
export const highlight = (code: string, language: string, escape: Escape): string => {
  let html = '';
  for (const { text, kind } of piecesOf(code, language)) html += kind ? `<span class="t-${kind}">${escape(text)}</span>` : escape(text);
  return html;
};
