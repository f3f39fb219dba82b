type Escape = (text: string) => string;

const words = (list: string): RegExp => new RegExp(`^(?:${list.replaceAll(' ', '|')})$`);

/** Words that most languages of a family share: enough to guide the eye, small enough to ship with the page. */
const C_LIKE = words(
  'abstract as async await bool boolean break byte case catch char class const constexpr continue default defer delete do double ' +
    'else enum export extends extern false final finally float fn for from func function get go goto if impl implements import in ' +
    'instanceof int interface internal is let long loop match mod module mut namespace new nil null nullptr of operator override ' +
    'package private protected pub public range readonly ref return satisfies sealed self set short signed sizeof static string ' +
    'struct super switch template this throw throws trait true try type typeof undefined union unsafe unsigned use using val var ' +
    'virtual void volatile when where while with yield',
);
const SCRIPT = words(
  'alias and as assert async await begin break case class continue def del do done elif else elsif end esac except exec exit export ' +
    'False fi finally for from function global if import in is lambda local module next nil None nonlocal not or pass raise rescue ' +
    'return self set source then True try unless until unset while with yield true false null',
);
const SQL = new RegExp(
  words(
    'add all alter and as asc begin between by case check commit constraint create cross default delete desc distinct drop else end ' +
      'exists false foreign from full grant group having if in index inner insert into is join key left like limit not null offset on ' +
      'or order outer primary references returning right rollback select set table then true union unique update using values view when where with',
  ).source,
  'i',
);

interface Grammar {
  keywords: RegExp;
  comment: string;
}

const SLASHES = String.raw`\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`;
const HASH = String.raw`(?<![\w$&])#[^\n]*`;

const cLike: Grammar = { keywords: C_LIKE, comment: SLASHES };
const script: Grammar = { keywords: SCRIPT, comment: HASH };
const sql: Grammar = { keywords: SQL, comment: String.raw`--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)` };
const markup: Grammar = { keywords: /^$/, comment: String.raw`<!--[\s\S]*?(?:-->|$)` };

const families: [string, Grammar][] = [
  [
    'js javascript jsx ts typescript tsx json jsonc java kotlin kt scala go rust rs c h cpp c++ cc cs c# csharp swift dart php css scss less proto',
    cLike,
  ],
  ['py python rb ruby sh bash zsh shell console yaml yml toml ini dockerfile makefile r perl elixir ex', script],
  ['sql pgsql mysql sqlite', sql],
  ['html xml svg vue', markup],
];
const GRAMMARS = new Map(families.flatMap(([names, grammar]) => names.split(' ').map((name) => [name, grammar] as const)));

const STRING = String.raw`"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|` + '`(?:[^`\\\\]|\\\\.)*`?';
const NUMBER = String.raw`\b(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\b`;
const WORD = String.raw`[A-Za-z_$][\w$]*`;

const scanners = new Map<Grammar, RegExp>();
const scannerOf = (grammar: Grammar): RegExp => {
  let scanner = scanners.get(grammar);
  if (!scanner) scanners.set(grammar, (scanner = new RegExp(`(${grammar.comment})|(${STRING})|(${NUMBER})|(${WORD})(\\s*\\()?`, 'g')));
  return scanner;
};

/** A stretch of code and what it is; null: nothing that is coloured. */
export interface CodePiece {
  text: string;
  kind: 'comment' | 'string' | 'number' | 'keyword' | 'call' | null;
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
      const [whole, comment, string, number, word = '', call] = match;
      const named = grammar.keywords.test(word) ? 'keyword' : call !== undefined ? 'call' : null;
      const kind = comment ? 'comment' : string ? 'string' : number ? 'number' : named;
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
