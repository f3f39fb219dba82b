const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Whether JSON nests deeper than `max`. A body of 1.8 MB that opens 900,000 arrays costs the parser 0.2 s; this looks at each byte once
 * and stops at the first that is too deep. Brackets inside strings do not count. Pure.
 */
export const nestsDeeperThan = (text: string, max: number): boolean => {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      // A string may be megabytes of a file: its end is looked for by the engine.
      const end = text.indexOf('"', i);
      if (end < 0) return false;
      let escapes = 0;
      while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
      quoted = escapes % 2 === 1;
      i = end;
    } else if (code === QUOTE) quoted = true;
    else if (OPENING.has(code) && ++depth > max) return true;
    else if (CLOSING.has(code)) depth--;
  }
  return false;
};
