import { hash } from 'node:crypto';
import type { AskEnd, RunRef, SayRunning } from '@runnel/coordination';
import type { Part } from '@runnel/protocol';
import type { ActiveRun } from '../run/run-job.ts';

/** Longest text of an owner, and longest JSON of its parts, that a hint carries; with a longer one the run ends with what is in the store. */
const TOLD_BYTES = 256 * 1024;

/**
 * What became of a run that lived behind a store which changed: its owner wrote it again (`restored`) or gave it over (`handed`); who
 * had claimed it goes on with that (`taken`), or the store would not take it (`refused`).
 */
export type HandOver = 'restored' | 'handed' | 'taken' | 'refused';

export interface LivingRun {
  owned: { epoch: number };
  active: Pick<ActiveRun, 'stop' | 'restore' | 'text' | 'parts'>;
}

export interface WithheldRun {
  owned: RunRef;
  active: Pick<ActiveRun, 'withhold'>;
}

export const digestOf = (text: string | Buffer): string => hash('sha256', text, 'hex');

/**
 * What an owner answers to a pod that has claimed its run from a store which went back (0072); null: nothing. Pure.
 * `restore`: the store went back behind its own claim, so its epoch is the higher one: it writes its text again, and the claim is fenced.
 * `yield`: the claim counts. It hands its text and its parts over and writes nothing more, for two pods may hold one epoch of such a store.
 */
export const answerOfOwner = (
  asked: AskEnd,
  epoch: number,
  text: string,
  parts: readonly Part[],
): 'restore' | { yield: SayRunning } | null => {
  const { copy, conversationId, runId } = asked;
  if (!copy || asked.epoch === undefined) return null;
  if (epoch > asked.epoch) return 'restore';
  const bytes = Buffer.from(text);
  const isLonger = bytes.length >= copy.bytes && bytes.length - copy.bytes <= TOLD_BYTES;
  if (!isLonger || digestOf(bytes.subarray(0, copy.bytes)) !== copy.sha256) return null;
  if (parts.length > 0 && Buffer.byteLength(JSON.stringify(parts)) > TOLD_BYTES) return null;
  const told = bytes.subarray(copy.bytes).toString();
  return { yield: { kind: 'running', conversationId, runId, epoch: asked.epoch, at: copy.bytes, text: told, parts } };
};
