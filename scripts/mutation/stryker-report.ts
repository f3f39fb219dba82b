/** The parts of Stryker's JSON report that are read here. */
export interface Report {
  files: Record<string, { source: string; mutants: StrykerMutant[] }>;
}

export interface StrykerMutant {
  mutatorName: string;
  replacement?: string;
  status: string;
  location: { start: { line: number; column: number } };
}

export interface Summary {
  killed: number;
  alive: { name: string; line: number }[];
}

/** A mutant that no test ran counts as one that no test noticed. */
const ALIVE: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);
/** `RuntimeError`: a test file did not even load, which no run of the tests overlooks. */
const KILLED: ReadonlySet<string> = new Set(['Killed', 'Timeout', 'RuntimeError']);

/** `<file>: <trimmed line>: <part that is replaced, from its column> → <replacement>`. Line numbers would not keep. Pure. */
const nameOf = (file: string, source: string, { replacement = '', location: { start } }: StrykerMutant): string => {
  const line = source.split('\n')[start.line - 1]!;
  return `${file}: ${line.trim()}: ${line.slice(start.column - 1).trim()} → ${replacement.split('\n')[0]!}`;
};

/** Who died and who lives. A status that is neither means that Stryker did not do its work. Pure. */
export const summaryOf = ({ files }: Report): Summary => {
  const summary: Summary = { killed: 0, alive: [] };
  for (const [file, { source, mutants }] of Object.entries(files)) {
    for (const mutant of mutants) {
      if (ALIVE.has(mutant.status)) summary.alive.push({ name: nameOf(file, source, mutant), line: mutant.location.start.line });
      else if (KILLED.has(mutant.status)) summary.killed++;
      else throw new Error(`${file}:${mutant.location.start.line}: Stryker says ${mutant.status}`);
    }
  }
  return summary;
};
