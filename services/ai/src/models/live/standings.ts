import { hashOfEntry, type EndpointStanding, type ModelEntry, type ModelFigures } from '@runnel/protocol/http';
import type { RunObserver } from '../../run/run-job.ts';
import type { AiMetrics } from '../../metrics.ts';

/** What is older says nothing of now. */
const RECENT_MS = 5 * 60_000;
/** Of each model; a busy one then tells of its last minutes only. */
const MOST = 256;

interface Recent {
  ended: { at: number; ok: boolean }[];
  waits: { at: number; ms: number }[];
  lastFailure?: { code: string; at: number };
}

/** How the models of this pod did lately, for whoever asks the pod itself. */
export const createStandings = (now: () => number = () => Date.now()) => {
  const recent = new Map<string, Recent>();
  const ended = { ok: 0, failed: 0 };
  const of = (model: string): Recent => {
    let found = recent.get(model);
    if (!found) recent.set(model, (found = { ended: [], waits: [] }));
    return found;
  };
  const push = <T>(list: T[], item: T): void => {
    list.push(item);
    if (list.length > MOST) list.shift();
  };
  const young = <T extends { at: number }>(list: readonly T[]): T[] => list.filter(({ at }) => now() - at < RECENT_MS);

  return {
    ended,
    /** The same metrics, which are listened to. */
    listenTo: (metrics: AiMetrics): AiMetrics => ({
      ...metrics,
      ended(model, reason, ms, claim) {
        metrics.ended(model, reason, ms, claim);
        if (reason !== 'complete' && reason !== 'failed') return;
        ended[reason === 'complete' ? 'ok' : 'failed']++;
        push(of(model).ended, { at: now(), ok: reason === 'complete' });
      },
      observer(model, trace): RunObserver {
        const observed = metrics.observer(model, trace);
        return {
          ...observed,
          firstToken(ms) {
            observed.firstToken?.(ms);
            push(of(model).waits, { at: now(), ms });
          },
          failed({ code }) {
            of(model).lastFailure = { code, at: now() };
          },
          rerouted(error, to) {
            observed.rerouted?.(error, to);
            of(model).lastFailure = { code: error.code, at: now() };
            push(of(model).ended, { at: now(), ok: false });
          },
        };
      },
    }),
    /** Of the models that there are now; those that are gone are forgotten. */
    figures(
      entries: readonly ModelEntry[],
      running: ReadonlyMap<string, number>,
      endpointsOf: (model: string) => EndpointStanding[] | undefined = () => undefined,
    ): Record<string, ModelFigures> {
      const known = new Set(entries.map(({ id }) => id));
      for (const id of recent.keys()) if (!known.has(id)) recent.delete(id);
      return Object.fromEntries(
        entries.map((entry) => {
          const { ended: all, waits, lastFailure } = recent.get(entry.id) ?? { ended: [], waits: [] };
          const last = young(all);
          const sorted = young(waits)
            .map(({ ms }) => ms)
            .toSorted((a, b) => a - b);
          const endpoints = endpointsOf(entry.id);
          return [
            entry.id,
            {
              hash: hashOfEntry(entry),
              running: running.get(entry.id) ?? 0,
              ok: last.filter(({ ok }) => ok).length,
              failed: last.filter(({ ok }) => !ok).length,
              firstTextP95Ms:
                sorted.length === 0 ? null : Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))]!),
              ...(lastFailure && { lastFailure }),
              ...(endpoints && { endpoints }),
            },
          ];
        }),
      );
    },
  };
};
