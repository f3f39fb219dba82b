import type { AppendChunkResult, OwnedRun, PutPartResult, RunLog } from '@runnel/coordination';
import { utf8Length, type Part, type PartField, type PartState } from '@runnel/protocol';
import type { RunParts } from './run-parts.ts';

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

export type OpOutcome = PutPartResult['outcome'] | AppendChunkResult['outcome'];

/** Brings a change to the store, with what stands of the part's content. */
export const sendOp = async (
  runLog: Pick<RunLog, 'putPart' | 'appendPartChunk'>,
  { conversationId, runId, epoch }: OwnedRun,
  parts: RunParts,
  op: PartOp,
): Promise<OpOutcome> => {
  const owned = { conversationId, runId, epoch };
  if (op.kind === 'put') {
    const step = op.step === undefined ? {} : { step: op.step };
    return (await runLog.putPart({ ...owned, part: parts.whole(op.part), from: op.from, ...step })).outcome;
  }
  const { partId, field, text, t } = op;
  return (await runLog.appendPartChunk({ ...owned, partId, field, at: parts.bytesOf(partId, field), text, t })).outcome;
};
