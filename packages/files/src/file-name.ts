const MOST_BYTES = 200;
/** Controls, what turns the direction of text (a name that reads `exe.pdf` backwards), and what file systems forbid. */
const UNFIT = /[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069<>:"|?*]/gu;

/** What people see of the name they gave: its last segment, of at most 200 bytes, with its ending kept. Pure. */
export const fileName = (given: string): string => {
  const last = given.toWellFormed().split(/[/\\]/).at(-1)!.replace(UNFIT, '').trim();
  const name = /^\.*$/.test(last) ? 'file' : last;
  if (Buffer.byteLength(name) <= MOST_BYTES) return name;
  const ending = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  const stem = Buffer.from(name.slice(0, name.length - ending.length)).subarray(0, MOST_BYTES - ending.length);
  // A character that was cut in two is left out.
  return new TextDecoder().decode(stem).replace(/\uFFFD+$/, '') + ending;
};
