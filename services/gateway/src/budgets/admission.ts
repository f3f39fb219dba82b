import { RunnelError } from '@runnel/protocol';
import type { StoreBudgets } from '@runnel/coordination';
import type { RateLimits } from './rate-limit.ts';
import type { Place, Places } from './places.ts';
import type { Limit, Refusals } from './refusals.ts';

/** A run that somebody wants to begin. */
export interface Candidate {
  userId: string;
  conversationId: string;
  /** Null: a regenerate. */
  messageId: string | null;
  runId: string;
  /** UTF-8 bytes that the command writes. */
  bytes: number;
}
/** What beginning it came to: `unknown` may still be carried out. */
export type Beginning =
  | { outcome: 'started' }
  | { outcome: 'duplicate'; runId: string }
  | { outcome: 'refused'; retryable: boolean }
  | { outcome: 'unknown' };

export type Admitted =
  /** All budgets have room. `settle` gives back what the outcome does not cost. */
  | { kind: 'admitted'; settle(beginning: Beginning): Promise<void> }
  /** W-4: these ids made a run before, and no budget stands between a repeated command and its answer. */
  | { kind: 'known'; runId: string; offset: number };

export interface AdmissionDeps {
  runLog: StoreBudgets;
  rateLimits: RateLimits;
  places: Places;
  /** Bytes of a person and day; 0: no limit. */
  maxBytes: number;
  refusals: Refusals;
}

const RUN_RETRY_MS = 2000;

/** Every budget of a run, asked together, and given back together when one of them refuses. */
export const createAdmission = ({ runLog, rateLimits, places, maxBytes, refusals }: AdmissionDeps) => {
  const spend = async (userId: string, bytes: number): Promise<number> => {
    if (maxBytes === 0) return 0;
    // A store that is away refuses the command itself in a moment; here it stands in nobody's way.
    const result = await runLog.spendBytes(userId, bytes, maxBytes).catch(() => null);
    return result?.outcome === 'over' ? result.retryAfterMs : 0;
  };
  const prompt = async (userId: string): Promise<RunnelError | null> => {
    try {
      await rateLimits.takePrompt(userId);
      return null;
    } catch (cause) {
      if (!(cause instanceof RunnelError)) throw cause;
      refusals.count('prompts');
      return cause;
    }
  };

  return {
    /** Bytes that a command writes which begins no run: a title. Throws `rate-limited`. */
    async write(userId: string, bytes: number): Promise<void> {
      const overMs = await spend(userId, bytes);
      if (overMs > 0) throw refusals.of('bytes', { retryAfterMs: overMs });
    },
    async admit(candidate: Candidate): Promise<Admitted> {
      const { userId, conversationId, messageId, runId, bytes } = candidate;
      const run = { conversationId, runId };
      const [noPrompt, place, overMs] = await Promise.all([
        prompt(userId),
        places.reserve(userId, run).catch((): Place => 'kept'),
        spend(userId, bytes),
      ]);
      const unspend = (): Promise<unknown> => (maxBytes === 0 ? Promise.resolve() : runLog.spendBytes(userId, -bytes, maxBytes));
      const free = (): Promise<void> => (place === 'reserved' ? places.free(userId, run) : Promise.resolve());

      const limit: Limit | null = noPrompt ? 'prompts' : place === 'full' ? 'runs' : overMs > 0 ? 'bytes' : null;
      if (limit === null) {
        return {
          kind: 'admitted',
          async settle(beginning) {
            if (beginning.outcome === 'started' || beginning.outcome === 'unknown') {
              if (beginning.outcome === 'unknown') await rateLimits.giveBack(userId);
              return;
            }
            const costs = beginning.outcome === 'refused' && !beginning.retryable;
            const stays = beginning.outcome === 'duplicate' && beginning.runId === runId;
            await Promise.all([costs ? undefined : rateLimits.giveBack(userId), unspend(), stays ? undefined : free()]);
          },
        };
      }
      await Promise.allSettled([noPrompt ? undefined : rateLimits.giveBack(userId), free(), overMs > 0 ? undefined : unspend()]);
      const known = await runLog.findRun({ conversationId, userId, messageId, runId }).catch(() => null);
      if (known?.outcome === 'running' || known?.outcome === 'ended') return { kind: 'known', runId: known.runId, offset: known.offset };
      throw noPrompt ?? refusals.of(limit, { retryAfterMs: limit === 'runs' ? RUN_RETRY_MS : overMs });
    },
  };
};
export type Admission = ReturnType<typeof createAdmission>;
