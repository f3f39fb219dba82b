import type { ClaimRunResult } from '@runnel/coordination';
import type { Part, PartState } from '@runnel/protocol';
import type { ParkedRun, StoredPage } from '@runnel/protocol/http';

type Claim = Extract<ClaimRunResult, { outcome: 'claimed' }>;

/** What a run waits for that its store has gone back behind, as the database has it. */
export interface LostWait {
  kind: 'waits';
  parked: ParkedRun;
}

/** The states of a part in the order in which it comes to them in one attempt. */
const ORDER: readonly PartState[][] = [['open', 'input'], ['ready'], ['running'], ['unknown'], ['waiting'], ['approved']];
const placeOf = ({ state, attempt = 0 }: Part): number => {
  const place = ORDER.findIndex((states) => states.includes(state));
  return place < 0 ? Number.POSITIVE_INFINITY : attempt * ORDER.length + place;
};
const isBehind = (copy: Part, known: Part | undefined): boolean =>
  copy.partId === known?.partId && placeOf(copy) <= placeOf(known) && (known.input ?? '').startsWith(copy.input ?? '');
/** Whether a copy's parts are ones that are known, no later in their lives. Pure. */
export const areBehind = (copy: readonly Part[], known: readonly Part[]): boolean =>
  copy.every((part) => isBehind(part, known[part.index]));

/**
 * What the database has of a claimed run that waits, or waited and was decided on; null: nothing, or the copy has gone on since. A copy of an
 * owner before the one that let go is older; of that very owner it is the same answer, as far as it had come. Pure.
 */
export const lostWait = (
  { epoch, run, text, parts }: Pick<Claim, 'epoch' | 'run' | 'text' | 'parts'>,
  page: StoredPage,
): ParkedRun | null => {
  const { parked, messages } = page;
  // By its start it is the very run: one of the same name in a conversation that was made again has another.
  if (parked?.runId !== run.runId || parked.startedAt !== run.startedAt || parked.parentId !== run.parentId) return null;
  // Nobody can say what it would be an answer to.
  if (messages.some(({ messageId, status }) => messageId === run.parentId && status === 'deleted')) return null;
  const copied = epoch - 1;
  if (copied !== parked.epoch) return copied < parked.epoch ? parked : null;
  return parked.text.startsWith(text) && areBehind(parts, parked.parts) ? parked : null;
};
