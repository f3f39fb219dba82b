/** Mutants that may live, by `<file>: <line>: <change>`, and why no test can or should notice them. */
export const REASONS: Readonly<Record<string, string>> = {};
