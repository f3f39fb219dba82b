/**
 * WebSocket close codes. The number says what the client does (after Centrifugo's scheme):
 * 4000–4499 come back with the cursor, 4500–4999 do not.
 */
export const CLOSE = {
  goingAway: 1001,
  tooBig: 1009,
  draining: 4000,
  heartbeat: 4001,
  slow: 4002,
  overloaded: 4003,
  protocol: 4500,
  noHello: 4501,
  version: 4502,
  auth: 4503,
  forbidden: 4504,
  rate: 4505,
} as const;

export type CloseName = keyof typeof CLOSE;

/** Short reasons that travel with the close frame (at most 123 bytes by RFC 6455). */
export const CLOSE_REASONS: Record<CloseName, string> = {
  goingAway: 'page leaves',
  tooBig: 'frame too large',
  draining: 'draining',
  heartbeat: 'heartbeat missed',
  slow: 'reader too slow',
  overloaded: 'overloaded',
  protocol: 'protocol error',
  noHello: 'no hello',
  version: 'unknown protocol version',
  auth: 'authentication failed',
  forbidden: 'forbidden',
  rate: 'rate exceeded',
};

/** Whether a client that lost its socket with this code should connect again. Everything a network can do is a yes. */
export const shouldReconnect = (code: number): boolean => !(code >= 4500 && code <= 4999) && code !== CLOSE.tooBig;
