/** Undefined when everything is there or could be installed, else one line that tells what to do. */
export function ensureSystem(names: readonly string[]): string | undefined;
