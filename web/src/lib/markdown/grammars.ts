/** What a language's pieces look like; each is a part of one expression, so none may contain a group. */
export interface Grammar {
  keywords: RegExp;
  comment: string;
  string: string;
  number: string;
  word: string;
  /** A keyword by its form: a tag, an at-rule. */
  formed: string;
  /** Each word is a name that something is given to. */
  attributes?: boolean;
  /** A line that is taken out. */
  removed: string;
}

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

const DOCKER = new RegExp(
  words('from as run cmd label expose env add copy entrypoint volume user workdir arg onbuild stopsignal healthcheck shell').source,
  'i',
);
const HASKELL = words(
  'case class data default deriving do else forall if import in infix infixl infixr instance let module newtype of then type where',
);

const NEVER = '(?!)';
const BLOCK = String.raw`\/\*[\s\S]*?(?:\*\/|$(?![\s\S]))`;
const SLASHES = String.raw`\/\/[^\n]*|${BLOCK}`;
const HASH = String.raw`(?<![\w$&])#[^\n]*`;
const DASHES = String.raw`--[^\n]*`;
/** The end of the text: with `m` a `$` stands at each line's. */
const END = String.raw`$(?![\s\S])`;

const DOUBLE = String.raw`"(?:[^"\\\n]|\\.)*"?`;
const SINGLE = String.raw`'(?:[^'\\\n]|\\.)*'?`;
const BACKTICK = '`(?:[^`\\\\]|\\\\.)*`?';
/** One character between marks: a mark alone is a lifetime, a type variable, or an apostrophe. */
const CHARACTER = String.raw`'(?:\\[^\n']{1,10}|[^'\\\n])'`;
const LONG = String.raw`"""[\s\S]*?(?:"""|${END})`;
const TRIPLE = String.raw`${LONG}|'''[\s\S]*?(?:'''|${END})`;
/** Where a value may begin; after anything else a slash divides. Bounded, so that what has no end is not looked through from each place. */
const REGEX = String.raw`(?<=(?:[=(,:[!&|?{};]|\breturn|^)[ \t]?)\/(?![*\/])(?:\\.|\[(?:\\.|[^\]\\\n]){0,80}\]|[^\/\\\n[]){1,200}\/[a-z]*`;

const plain: Grammar = {
  ...{ keywords: /^$/, comment: NEVER, string: `${DOUBLE}|${SINGLE}|${BACKTICK}`, formed: NEVER, removed: NEVER },
  number: String.raw`\b(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\b`,
  word: String.raw`[A-Za-z_$][\w$]*`,
};
const java: Grammar = { ...plain, keywords: C_LIKE, comment: SLASHES, string: `${LONG}|${DOUBLE}|${CHARACTER}|${BACKTICK}` };
const js: Grammar = { ...java, string: `${plain.string}|${REGEX}` };
const quoted: Grammar = { ...java, string: `${TRIPLE}|${plain.string}` };
const script: Grammar = { ...plain, keywords: SCRIPT, comment: HASH, string: `${TRIPLE}|${plain.string}` };
const docker: Grammar = { ...script, keywords: DOCKER };
const power: Grammar = { ...script, comment: String.raw`<#[\s\S]*?(?:#>|${END})|${HASH}` };
const lua: Grammar = { ...plain, keywords: SCRIPT, comment: String.raw`--\[\[[\s\S]*?(?:\]\]|${END})|${DASHES}` };
const haskell: Grammar = {
  ...java,
  keywords: HASKELL,
  comment: String.raw`\{-[\s\S]*?(?:-\}|${END})|${DASHES}`,
  word: String.raw`[A-Za-z_][\w']*`,
};
const sql: Grammar = { ...plain, keywords: SQL, comment: `${DASHES}|${BLOCK}` };
const css: Grammar = {
  ...plain,
  comment: BLOCK,
  string: `${DOUBLE}|${SINGLE}`,
  number: String.raw`#[\da-fA-F]{3,8}\b|(?<![\w-])-?\d+(?:\.\d+)?(?:%|[a-z]+\b)?`,
  formed: String.raw`@[\w-]+|(?<=[{;][ \t]{0,40}|^[ \t]{0,40})[\w-]+(?=[ \t]{0,9}:[ \t])`,
  word: String.raw`(?<![\w-])[A-Za-z_-][\w-]*`,
};
/** Words between tags are no code: their apostrophes begin nothing. */
const markup: Grammar = {
  ...plain,
  comment: String.raw`<!--[\s\S]*?(?:-->|${END})`,
  string: String.raw`(?<==)(?:"[^"]*"?|'[^'\n]*'?)`,
  number: NEVER,
  formed: String.raw`<\/?[A-Za-z][\w:.-]*|\/?>`,
  word: String.raw`(?<=\s)[\w:@#.-]+(?==["'{])`,
  attributes: true,
};
const diff: Grammar = {
  ...plain,
  ...{ number: NEVER, word: NEVER, string: String.raw`^\+[^\n]*`, removed: String.raw`^-[^\n]*` },
  formed: String.raw`^(?:@@|diff |index )[^\n]*`,
};

const families: [string, Grammar][] = [
  ['js javascript jsx ts typescript tsx mjs cjs json jsonc json5', js],
  ['java kotlin kt scala go golang rust rs c h cpp c++ cc cs c# csharp swift proto protobuf zig', java],
  ['dart php groovy', quoted],
  ['py python rb ruby sh bash zsh shell console yaml yml toml ini makefile make r perl elixir ex graphql terraform hcl nix', script],
  ['dockerfile docker', docker],
  ['powershell ps1 pwsh', power],
  ['lua', lua],
  ['haskell hs elm', haskell],
  ['sql pgsql mysql sqlite postgresql postgres plpgsql', sql],
  ['css scss less', css],
  ['html xml svg vue svelte', markup],
  ['diff patch', diff],
];
export const GRAMMARS = new Map(families.flatMap(([names, grammar]) => names.split(' ').map((name) => [name, grammar] as const)));
