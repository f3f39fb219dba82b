interface Lock {
  packages?: Record<string, object>;
}
/** Whether npm's record of an installation holds everything a lock file asks for. */
export function lockMatches(wanted: Lock | undefined, got: Lock | undefined): boolean;
export function isInstalled(root: string): boolean;
