/** Mutants that may live, by the name that `nameOf` gives them, and why no test can or should notice them. */
export const REASONS: Readonly<Record<string, string>> = {
  "packages/protocol/src/position.ts: const match = /^([A-Za-z0-9_-]{1,64}):(\\d{1,15})$/.exec(text ?? '');: ''); → \"Stryker was here!\"":
    'Another text that is no cursor either.',
};
