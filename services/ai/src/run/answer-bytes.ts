/** Bytes of one answer, unless MAX_ANSWER_BYTES says otherwise; a model that never stops must not fill the store. */
export const ANSWER_BYTES = 8 * 1024 * 1024;

/** The longest beginning of a text that has room in so many bytes of UTF-8 and tears no character. Half a character counts as three. */
export const fittingText = (text: string, room: number): string => {
  if (room <= 0) return '';
  if (text.length * 3 <= room || Buffer.byteLength(text) <= room) return text;
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(Math.min(room, text.length * 3))).read);
};
