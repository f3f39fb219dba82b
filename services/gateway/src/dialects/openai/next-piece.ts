export type NextPiece = { kind: 'piece'; text: string } | { kind: 'wait' } | { kind: 'diverged' } | { kind: 'done' };

/**
 * What to send to a reader that has `sent` of an answer. Pieces cannot be taken back: when the run had to begin again, the new
 * text must first catch up with the old one, which only a model that says the same again can do.
 */
export const nextPiece = (sent: string, now: { text: string; restarted: boolean; ended: boolean }): NextPiece => {
  const { text, restarted, ended } = now;
  if (restarted && !text.startsWith(sent)) return !ended && sent.startsWith(text) ? { kind: 'wait' } : { kind: 'diverged' };
  if (text.length > sent.length) return { kind: 'piece', text: text.slice(sent.length) };
  return { kind: ended ? 'done' : 'wait' };
};
