/** Path of a promtool: the one on the PATH, or the cached one. undefined when there is none yet. */
export function findPromtool(): string | undefined;
/** Unpacks promtool from Debian's prometheus package, without installing its service. Returns what went wrong. */
export function fetchPromtool(): string | undefined;
