const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

const COMMA = 0x2c;

/**
 * What any JSON of ours needs at most. A whole conversation of 4,096 messages, each with a part of text, has 30,000 values; 4 MiB may have a
 * million, and to check those, or to say what is wrong with them, keeps everybody else of the node waiting for seconds.
 */
export const MOST_JSON = { depth: 32, values: 65_536 } as const;

/**
 * Whether JSON nests deeper or has more values than `most`, before anything is made of it: a body of 1.8 MB that opens 900,000 arrays costs the
 * parser 0.2 s. Looks at each byte once and stops at the first that is too much. What stands inside strings does not count. Pure.
 */
export const excessOf = (text: string, most: { depth: number; values: number } = MOST_JSON): keyof typeof MOST_JSON | null => {
  let [depth, values] = [0, 1];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      // A string may be megabytes of a file: its end is looked for by the engine.
      const end = text.indexOf('"', i);
      if (end < 0) return null;
      let escapes = 0;
      while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
      quoted = escapes % 2 === 1;
      i = end;
    } else if (code === QUOTE) quoted = true;
    else if (code === COMMA && ++values > most.values) return 'values';
    else if (OPENING.has(code)) {
      if (++depth > most.depth) return 'depth';
      if (++values > most.values) return 'values';
    } else if (CLOSING.has(code)) depth--;
  }
  return null;
};
