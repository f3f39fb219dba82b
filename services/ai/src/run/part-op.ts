import { utf8Length, type Part, type PartField, type PartState } from '@runnel/protocol';

/** What became of a part that was put: it stands so, somebody else changed it, or nothing of the run may be written any more. */
export type Settled = 'stands' | 'changed' | 'stopped';

/** A change of a part on its way to the store, in order with the text. */
export type PartOp =
  /** `part` without what is streamed of it. */
  | { kind: 'put'; part: Part; from: PartState | null; step?: number; settle(how: Settled): void }
  | { kind: 'chunk'; partId: string; field: PartField; text: string; t: number };

/** What a part costs while it waits, beside its content. */
const PUT_BYTES = 512;

export const opBytes = (op: PartOp): number => (op.kind === 'put' ? PUT_BYTES : utf8Length(op.text));
