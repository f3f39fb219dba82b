import { basename } from 'node:path';

/** Where the scripts are, from the root of the repository. */
export const SCRIPTS = 'packages/coordination/src/redis/lua';

/** One change of one line of a Lua file that a test has to notice. */
export interface Mutant {
  /** Path below the folder of the scripts. */
  file: string;
  /** From 1. */
  line: number;
  /** The line as it is, trimmed: with `change` the name of the mutant, which line numbers would not keep. */
  original: string;
  change: string;
  lua: string;
}

const CONDITION = /^(\s*)(if|elseif) (.+) then$/;
/** A statement that only writes: its answer is used by nobody. */
const WRITE = /^\s*(redis\.call|emit|audit|keep|touch|say)\(.*\)$/;
const BOUNDS: readonly [string, string][] = [
  [' > ', ' >= '],
  [' >= ', ' > '],
  [' < ', ' <= '],
  [' <= ', ' < '],
];

/** What is done to one line: a check that always or never holds, a bound off by one, a write that is left out. Pure. */
const changesOf = (line: string): { change: string; text: string }[] => {
  const condition = CONDITION.exec(line);
  if (condition) {
    const [, indent, word, test] = condition as unknown as [string, string, string, string];
    const bounds = BOUNDS.filter(([from]) => test.includes(from)).map(([from, to]) => ({
      change: `${from.trim()} becomes ${to.trim()}`,
      text: line.replace(from, to),
    }));
    return [{ change: 'never', text: `${indent}${word} false then` }, { change: 'always', text: `${indent}${word} true then` }, ...bounds];
  }
  return WRITE.test(line) ? [{ change: 'left out', text: '' }] : [];
};

/** Every mutant of a script, in order of its lines. A `return` behind a check belongs to the check. Pure. */
export const mutantsOf = (file: string, lua: string): Mutant[] => {
  const lines = lua.split('\n');
  const before = new Map<string, number>();
  /** Lines of the same words are told apart by their turn. */
  const turnOf = (original: string): string => {
    const turn = (before.get(original) ?? 0) + 1;
    before.set(original, turn);
    return turn > 1 ? ` (${turn})` : '';
  };
  return lines.flatMap((line, index) => {
    const original = line.trim();
    const turn = turnOf(original);
    return changesOf(line).map(({ change, text }) => ({
      file,
      line: index + 1,
      original,
      change: `${change}${turn}`,
      lua: lines.with(index, text).join('\n'),
    }));
  });
};

/** By what `lua-survivors.ts` knows a mutant. */
export const nameOf = ({ file, original, change }: Pick<Mutant, 'file' | 'original' | 'change'>): string =>
  `${basename(file)}: ${original}: ${change}`;
