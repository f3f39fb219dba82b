/** Path of a promtool: the cached one, or the one on the PATH. undefined when there is none yet. */
export function findPromtool(): string | undefined;
/** The same of prometheus itself. */
export function findPrometheus(): string | undefined;
/** Unpacks both from Debian's prometheus package, without installing its service. Returns what went wrong. */
export function fetchPrometheus(): string | undefined;
