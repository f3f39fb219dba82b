/** What closes once: a response, a socket, a request. */
export interface Closes {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

/**
 * Calls `closed` once: when it closes, or at once when it has closed already. A listener that is added after the event is never called: a
 * client that leaves while its token is being checked (2 ms) would otherwise be followed for as long as a long poll takes (25 s). Returns
 * the stop.
 */
export const onClose = (closable: Closes, closed: () => void): (() => void) => {
  if (closable.destroyed) {
    closed();
    return () => undefined;
  }
  closable.once('close', closed);
  return () => void closable.off('close', closed);
};
