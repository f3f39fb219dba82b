/** What everybody streams: the words of `count`, eight bytes each, so that loss and repetition are seen from positions. */

export const conversationOf = (index: number): string => `c-${String(index).padStart(6, '0')}`;
export const runOf = (index: number): string => `r-${String(index).padStart(6, '0')}`;
/** Everybody is this user. */
export const USER = 'peer';

/** Word `n`, from 1: all but the first bring the space before them. */
export const textOf = (n: number): string => `${n > 1 ? ' ' : ''}w${String(n).padStart(6, '0')}`;
/** Byte at which word `n` begins. */
export const beginOf = (n: number): number => (n === 1 ? 0 : (n - 1) * 8 - 1);
/** The last word that is whole at this byte. */
export const wordAt = (byte: number): number => Math.floor((byte + 1) / 8);

/** An event as the floor publishes it: as many bytes as Runnel's own. */
export const eventOf = (index: number, n: number, t: number): string =>
  `{"type":"chunk","conversationId":"${conversationOf(index)}","offset":${n},"runId":"${runOf(index)}","at":${beginOf(n)},"t":${t},"text":"${textOf(n)}"}`;
