import { isId } from '@runnel/protocol';
import type { RunRef } from '../run-ref.ts';

/**
 * What AI pods tell each other: a run is free, a cancel is wanted; does anybody know how this run ended, and somebody does and writes
 * that again, or it still ran. Only hints; sweeps find the same.
 */
export type WorkHint = ({ kind: 'free' | 'cancel' | 'ended' | 'decided' } & RunRef) | AskEnd | SayRunning;

/** Whether a claimed run had ended. With `copy`, what the store has of its text, the store changed, and it may also still run. */
export type AskEnd = { kind: 'ended?'; epoch?: number; copy?: { bytes: number; sha256: string } } & RunRef;

/** The answer of an owner that lived and has let go of the run: its text from byte `at` on. Whoever asked under this epoch goes on. */
export type SayRunning = { kind: 'running'; epoch: number; at: number; text: string } & RunRef;

/** A published hint; null for what is none. Pure. */
export const parseHint = (text: string): WorkHint | null => {
  let hint: unknown;
  try {
    hint = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof hint !== 'object' || hint === null) return null;
  const { kind, conversationId, runId } = hint as Record<string, unknown>;
  return typeof kind === 'string' && isId(conversationId) && isId(runId) ? (hint as WorkHint) : null;
};
