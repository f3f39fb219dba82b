import { utf8Length } from '@runnel/protocol';
import type { Thought } from './thoughts.ts';

/** The first byte at or behind this one where a character begins. */
const characterAt = (text: string, byte: number): number => {
  const all = Buffer.from(text);
  let at = byte;
  while (at < all.length && (all[at]! & 0xc0) === 0x80) at++;
  return at;
};

/**
 * Where the thoughts of an answer stand in its text, in the order in which they are told. What a model thought before it had to begin again
 * stays, by its place in a text that is no more: that may be within a character, or behind the last word.
 */
export class SettledThoughts {
  readonly #places = new Map<string, number>();
  #restarts = 0;

  of(thoughts: readonly Thought[], answer: { text: string; restarts: number; end: unknown }): Thought[] {
    const { text, restarts, end } = answer;
    if (restarts !== this.#restarts) this.#places.clear();
    this.#restarts = restarts;
    // Those that come to the same place stay in the order in which they stood while their places were still to come: whoever was cut off then holds
    // numbers of that order. A thought at byte 5 is told behind one at byte 1, also if the text ends there.
    return thoughts
      .map((thought) => ({ stood: thought.at, settled: this.#settle(thought, text, end !== null) }))
      .toSorted((a, b) => a.settled.at - b.settled.at || a.stood - b.stood)
      .map(({ settled }) => settled);
  }

  #settle(thought: Thought, text: string, isOver: boolean): Thought {
    if (thought.at === 0) return thought;
    const known = this.#places.get(thought.id);
    if (known !== undefined) return known === thought.at ? thought : { ...thought, at: known };
    const bytes = utf8Length(text);
    if (bytes < thought.at) return isOver ? { ...thought, at: bytes } : thought;
    const at = characterAt(text, thought.at);
    this.#places.set(thought.id, at);
    return { ...thought, at };
  }
}
