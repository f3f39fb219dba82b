import { basename } from 'node:path';

/** Which scripts each test runs, of a run without a mutant; `''`: what was run outside of a test, which concerns all. */
export type Coverage = Readonly<Record<string, readonly string[]>>;

/** The names of the scripts that a file is part of: its own, or all that include it, through others, too. Pure. */
export const scriptsOf = (file: string, sources: ReadonlyMap<string, string>): ReadonlySet<string> => {
  const wanted = new Set([basename(file, '.lua')]);
  let size: number;
  do {
    size = wanted.size;
    for (const [path, lua] of sources) {
      const included = [...lua.matchAll(/^ *-- @include ([a-z]+)$/gm)].map(([, name]) => name!);
      if (included.some((name) => wanted.has(name))) wanted.add(basename(path, '.lua'));
    }
  } while (wanted.size > size);
  return wanted;
};

/** The tests that run one of these scripts: no other one can notice a change of them. Pure. */
export const testsThatRun = (scripts: ReadonlySet<string>, coverage: Coverage): ReadonlySet<string> =>
  new Set(Object.keys(coverage).filter((test) => coverage[test]!.some((script) => scripts.has(script))));

/** The tests whose path, `suite > … > name`, has such a part. Pure. */
export const testsNamed = (pattern: string | undefined, coverage: Coverage): Coverage => {
  const wanted = new RegExp(pattern ?? '');
  return Object.fromEntries(Object.entries(coverage).filter(([test]) => wanted.test(test)));
};
