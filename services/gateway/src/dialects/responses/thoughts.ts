import { isFinal, utf8Length, type Part } from '@runnel/protocol';
import type { StreamEvent } from './stream-event.ts';

/** A thought of the model's: an item of its own, before byte `at` of the text. */
export interface Thought {
  id: string;
  at: number;
  text: string;
  /** Of all of it, also where only its beginning is known here. */
  bytes: number;
  isOver: boolean;
}

/** Parts are never changed but replaced: each is looked at once. */
const seen = new WeakMap<Part, Thought>();

const thoughtOf = (part: Part): Thought => {
  const known = seen.get(part);
  if (known) return known;
  const { partId, at, text = '' } = part;
  const bytes = part.truncated === true && part.bytes !== undefined ? part.bytes : utf8Length(text);
  const thought = { id: `rs_${partId}`, at, text, bytes, isOver: isFinal(part) };
  seen.set(part, thought);
  return thought;
};

export const thoughtsOf = (parts: readonly Part[]): Thought[] => parts.filter(({ kind }) => kind === 'reasoning').map(thoughtOf);

// Places. A thought takes one for each of its bytes and five for its other events, between those of the text around it.

const BEFORE = 2;
const AROUND = 5;
/** Of the first delta of the text, less its bytes: created, in_progress, the item, its part. */
const FIRST_DELTA = 3;
const weightOf = ({ bytes }: Thought): number => bytes + AROUND;
const sum = (thoughts: readonly Thought[]): number => thoughts.reduce((all, thought) => all + weightOf(thought), 0);

/** Of the delta that ends at this byte of the text; 0: of the event before the first. */
export const textNumber = (thoughts: readonly Thought[], byte: number): number =>
  FIRST_DELTA + byte + sum(thoughts.filter(({ at }) => at === 0 || at < byte));

/** Of the last event of what stands: text of so many bytes, and all thoughts. */
export const lastNumber = (thoughts: readonly Thought[], bytes: number): number => FIRST_DELTA + bytes + sum(thoughts);

/** Of the event before the first one of a thought. */
export const startOf = (thoughts: readonly Thought[], index: number): number => {
  const { at } = thoughts[index]!;
  return (at === 0 ? 1 : FIRST_DELTA + at) + sum(thoughts.slice(0, index));
};

/** How many bytes of the text a client has that has seen the event at this place. Pure. */
export const bytesBehind = (thoughts: readonly Thought[], place: number): number => {
  const leading = thoughts.filter(({ at }) => at === 0);
  let left = place - FIRST_DELTA - sum(leading);
  for (const thought of thoughts) {
    if (thought.at === 0) continue;
    if (left <= thought.at) break;
    left = Math.max(thought.at, left - weightOf(thought));
  }
  return Math.max(0, left);
};

/** The same of a thought. */
export const thoughtBehind = (thoughts: readonly Thought[], index: number, place: number): number =>
  Math.min(Math.max(0, place - startOf(thoughts, index) - BEFORE), thoughts[index]!.bytes);

/** Thoughts from before the first word stand before the message, later ones behind it. */
const thoughtIndex = (thoughts: readonly Thought[], index: number): number => (thoughts[index]!.at === 0 ? index : index + 1);
export const messageIndex = (thoughts: readonly Thought[]): number => thoughts.filter(({ at }) => at === 0).length;

const part = (text: string) => ({ type: 'summary_text', text });
export const thoughtItem = ({ id, text, isOver }: Thought) => ({
  ...{ id, type: 'reasoning', summary: text === '' ? [] : [part(text)] },
  status: isOver ? 'completed' : 'in_progress',
});

/** What of a thought was told. */
export interface ToldThought {
  /** Its first event was. */
  isBegun: boolean;
  isOpen: boolean;
  bytes: number;
  isOver: boolean;
}

/** The events of a thought behind those that were told. Pure. */
export const thoughtEvents = (
  thoughts: readonly Thought[],
  index: number,
  told: ToldThought,
): { events: StreamEvent[]; delta: (StreamEvent & { delta: string }) | null; told: ToldThought } => {
  const thought = thoughts[index]!;
  const [start, output_index] = [startOf(thoughts, index), thoughtIndex(thoughts, index)];
  const place = { item_id: thought.id, output_index, summary_index: 0 };
  const events: object[] = [];
  if (!told.isOpen) {
    const item = thoughtItem({ ...thought, text: '', isOver: false });
    events.push({ type: 'response.output_item.added', sequence_number: start + 1, output_index, item });
    events.push({ type: 'response.reasoning_summary_part.added', sequence_number: start + BEFORE, ...place, part: part('') });
  }
  const all = Buffer.from(thought.text);
  const more = all.subarray(told.bytes).toString();
  const until = start + BEFORE + Math.max(told.bytes, all.length);
  const delta = more === '' ? null : { type: 'response.reasoning_summary_text.delta', sequence_number: until, ...place, delta: more };
  if (delta) events.push(delta);
  if (thought.isOver && !told.isOver) {
    const end = start + BEFORE + thought.bytes;
    const { text } = thought;
    events.push({ type: 'response.reasoning_summary_text.done', sequence_number: end + 1, ...place, text });
    events.push({ type: 'response.reasoning_summary_part.done', sequence_number: end + 2, ...place, part: part(text) });
    events.push({ type: 'response.output_item.done', sequence_number: end + 3, output_index, item: thoughtItem(thought) });
  }
  return {
    events: events as StreamEvent[],
    delta,
    told: { isBegun: true, isOpen: true, bytes: Math.max(told.bytes, all.length), isOver: thought.isOver },
  };
};
