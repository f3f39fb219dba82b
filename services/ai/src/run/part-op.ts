import type { AppendChunkResult, OwnedRun, PutPartResult, RunLog } from '@runnel/coordination';
import { utf8Length } from '@runnel/protocol';
import type { PartOp, RunParts } from './run-parts.ts';

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
