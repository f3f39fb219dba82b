export interface Mutation {
  tried: number;
  /** The names of those that no test noticed. */
  alive: readonly string[];
  reasons: Readonly<Record<string, string>>;
  /** Whether a reason is about a mutant that there is no longer. */
  isStale: (name: string) => boolean;
}

/** Says what became of the mutants and ends with the line `N passed, N failed`, as the tiers do. The exit code. */
export const judge = ({ tried, alive, reasons, isStale }: Mutation, print: (line: string) => void = console.log): number => {
  const unexplained = alive.filter((name) => reasons[name] === undefined);
  const stale = Object.keys(reasons).filter(isStale);
  for (const name of unexplained) print(`no reason  ${name}`);
  for (const name of stale) print(`no mutant  ${name}`);
  print(
    `${tried} mutants: ${tried - alive.length} killed, ${alive.length} alive, ${alive.length - unexplained.length} of them with a reason`,
  );
  const failed = unexplained.length + stale.length;
  print(`${tried - unexplained.length} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
};
