import type { EndingPart } from '@runnel/coordination';
import { closePart, PART_FIELDS, utf8Length, withChunk, type Part, type PartField, type PartState } from '@runnel/protocol';

/** What became of a part that was put: it stands so, somebody else changed it, or nothing of the run may be written any more. */
export type Settled = 'stands' | 'changed' | 'stopped';

/** A change of a part on its way to the store, in order with the text. */
export type PartOp =
  /** `part` without what is streamed of it. */
  | { kind: 'put'; part: Part; from: PartState | null; step?: number; settle(how: Settled): void }
  | { kind: 'chunk'; partId: string; field: PartField; text: string; t: number };

/** The parts of one answer as they stand in the store, with all of their content: what restores them, and what their end is made of. */
export class RunParts {
  #standing: readonly Part[];
  /** UTF-8 length of each field by `partId field`, so that a token costs its own length and no more. */
  readonly #bytes = new Map<string, number>();

  constructor(parts: readonly Part[]) {
    this.#standing = parts;
  }

  get all(): readonly Part[] {
    return this.#standing;
  }

  bytesOf(partId: string, field: PartField): number {
    const key = `${partId} ${field}`;
    const known = this.#bytes.get(key) ?? utf8Length(this.#standing.find((part) => part.partId === partId)?.[field] ?? '');
    this.#bytes.set(key, known);
    return known;
  }

  /** The part with what stands of its content. */
  whole(part: Part): Part {
    const known = this.#standing[part.index];
    const content = Object.fromEntries(PART_FIELDS.flatMap((field) => (known?.[field] === undefined ? [] : [[field, known[field]]])));
    return { ...part, ...content, ...(part.kind === 'question' && part.text !== undefined && { text: part.text }) };
  }

  /** The parts with one more change. */
  with(op: PartOp): readonly Part[] {
    if (op.kind === 'chunk') {
      const at = this.bytesOf(op.partId, op.field);
      return withChunk(this.#standing, { partId: op.partId, field: op.field, at, text: op.text }) ?? this.#standing;
    }
    const parts = [...this.#standing];
    parts[op.part.index] = this.whole(op.part);
    return parts;
  }

  stands(op: PartOp): void {
    const bytes = op.kind === 'chunk' ? this.bytesOf(op.partId, op.field) + utf8Length(op.text) : 0;
    this.#standing = this.with(op);
    if (op.kind === 'chunk') this.#bytes.set(`${op.partId} ${op.field}`, bytes);
  }

  /** Somebody else changed these. */
  learn(parts: readonly Part[]): void {
    this.#standing = this.#standing.map((part) => parts.find(({ partId }) => partId === part.partId) ?? part);
  }

  /** As the end of the run leaves them. */
  ending(why: 'cancelled' | 'interrupted', now: number): EndingPart[] {
    return this.#standing.map((part) => ({ from: part.state, part: closePart(part, why, now) }));
  }
}
