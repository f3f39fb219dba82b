/** A run of a text as it is shown: `hidden` names a character that nobody would see, or that would move its neighbours. */
export interface Run {
  text: string;
  hidden: boolean;
}

/** Controls but the line break and the tab, marks of direction, joiners, blanks without width, tags and private characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\u3164\uffa0\u115f\u1160\u2800]/u;
const isUnseen = (character: string): boolean => character !== '\n' && character !== '\t' && UNSEEN.test(character);

/**
 * A text that somebody is to approve, as what it is: characters that hide or turn others around are named by their number, so that what
 * is read is what is executed. Pure.
 */
export const exactRuns = (text: string): Run[] => {
  const runs: Run[] = [];
  for (const character of text) {
    const hidden = isUnseen(character);
    const shown = hidden ? `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}` : character;
    const last = runs.at(-1);
    if (last && !hidden && !last.hidden) last.text += shown;
    else runs.push({ text: shown, hidden });
  }
  return runs;
};
