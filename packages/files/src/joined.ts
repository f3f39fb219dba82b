import { RunnelError } from '@runnel/protocol';

/** What is handed on together at most, in bytes and in pieces. */
const MOST_BYTES = 64 * 1024;
const MOST_PIECES = 256;
/** Whoever sends more pieces than this sends so many bytes with each of them, on the average. */
const FREE_PIECES = 4_096;
const LEAST_BYTES = 64;

/**
 * The bytes of a body in larger pieces: a client chooses how small its own are, and each has a cost of its own, in memory and in whatever is
 * done with it. What came of a source that breaks off is handed on before its error is.
 *
 * @throws RunnelError `bad-frame` of a source that dribbles
 */
export async function* joined(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let [size, pieces, total] = [0, 0, 0];
  const take = (): Uint8Array => {
    const whole = held.length === 1 ? held[0]! : Buffer.concat(held, size);
    [held, size] = [[], 0];
    return whole;
  };
  try {
    for await (const piece of source) {
      pieces++;
      total += piece.byteLength;
      if (pieces > FREE_PIECES && total < pieces * LEAST_BYTES)
        throw new RunnelError('bad-frame', 'The bytes come in too small pieces: send more of them at once.');
      held.push(piece);
      size += piece.byteLength;
      if (size >= MOST_BYTES || held.length >= MOST_PIECES) yield take();
    }
  } catch (error) {
    if (size > 0 && !(error instanceof RunnelError)) yield take();
    throw error;
  }
  if (size > 0) yield take();
}
