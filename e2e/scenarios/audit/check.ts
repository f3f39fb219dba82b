import { INTERNAL_TOKEN } from '../../harness/processes/cluster.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import type { Stage } from '../../harness/stage.ts';
import { waitFor } from '../../harness/wait.ts';

interface TrailEvent {
  eventId: string;
  logId: string;
  sequence: number;
}

const ask = async <T>(stage: Stage, path: string): Promise<T> => {
  const response = await fetch(`${stage.cluster.audit!.url}${path}`, {
    headers: { 'x-runnel-user': stage.userId, authorization: `Bearer ${INTERNAL_TOKEN}` },
    signal: AbortSignal.timeout(3_000),
  });
  if (!response.ok) throw new Error(`audit answered ${response.status} to ${path}`);
  return (await response.json()) as T;
};

/**
 * How many events the trail of a conversation has; throws while one is missing or there twice. They come over two topics, so that
 * the end of a run may be stored a moment before its beginning.
 */
const trailOf = async (stage: Stage, conversationId: string): Promise<number> => {
  const trail = (await ask<{ events: TrailEvent[] }>(stage, `/trail/${conversationId}?limit=200`)).events;
  if (new Set(trail.map(({ eventId }) => eventId)).size !== trail.length) throw new Error('P-9: an event is there twice');
  for (const [, ofLog] of Map.groupBy(trail, ({ logId }) => logId)) {
    const wrong = ofLog.findIndex(({ sequence }, i) => sequence !== i + 1);
    if (wrong >= 0) throw new Error(`P-9: event ${wrong + 1} of a log has sequence ${ofLog[wrong]!.sequence}`);
  }
  return trail.length;
};

/** The text of a run as the audit has it. */
export const storedText = async (stage: Stage, { conversationId, runId }: ExpectedRun): Promise<string | undefined> => {
  const { messages } = await ask<{ messages: { messageId: string; text: string }[] }>(stage, `/history/${conversationId}?limit=50`);
  return messages.find(({ messageId }) => messageId === runId)?.text;
};

/** P-1 and P-9: the audit has every run's text, and every event once, in order, without a hole. Resolves to how many. */
export const checkAudit = async (stage: Stage): Promise<number> => {
  let events = 0;
  for (const run of stage.expected.runs.values()) {
    const shown = stage.viewers.find(({ conversationId }) => conversationId === run.conversationId)!.screen.finished.get(run.runId)!.text;
    await waitFor(
      async () => {
        const stored = await storedText(stage, run);
        if (stored === undefined) throw new Error('not there');
        if (stored !== shown) throw new Error(`P-1: ${stored.length} bytes stored, ${shown.length} shown`);
        return true;
      },
      { deadlineMs: 40_000, everyMs: 100, what: `run ${run.runId} in the audit` },
    );
    events += await waitFor(() => trailOf(stage, run.conversationId), {
      deadlineMs: 40_000,
      everyMs: 100,
      what: `a trail without a hole of ${run.conversationId}`,
    });
  }
  return events;
};
