import type { Scenario } from '../harness/scenario.ts';
import type { Stage } from '../harness/stage.ts';
import { waitFor } from '../harness/wait.ts';
import { underWay } from './ai-pods.ts';

interface TrailEvent {
  eventId: string;
  logId: string;
  sequence: number;
}

const ask = async <T>(stage: Stage, path: string): Promise<T> => {
  const response = await fetch(`${stage.cluster.audit!.url}${path}`, {
    headers: { 'x-runnel-user': stage.userId },
    signal: AbortSignal.timeout(3_000),
  });
  if (!response.ok) throw new Error(`audit answered ${response.status} to ${path}`);
  return (await response.json()) as T;
};

/** P-1 and P-9: the audit has every run's text, and every event once, in order, without a hole. */
const checkAudit = async (stage: Stage): Promise<number> => {
  let events = 0;
  for (const run of stage.expected.runs.values()) {
    const shown = stage.viewers.find(({ conversationId }) => conversationId === run.conversationId)!.screen.finished.get(run.runId)!.text;
    await waitFor(
      async () => {
        const { messages } = await ask<{ messages: { messageId: string; text: string }[] }>(
          stage,
          `/history/${run.conversationId}?limit=50`,
        );
        const stored = messages.find(({ messageId }) => messageId === run.runId)?.text;
        if (stored === undefined) throw new Error('not there');
        if (stored !== shown) throw new Error(`P-1: ${stored.length} bytes stored, ${shown.length} shown`);
        return true;
      },
      { deadlineMs: 15_000, everyMs: 100, what: `run ${run.runId} in the audit` },
    );
    const trail = (await ask<{ events: TrailEvent[] }>(stage, `/trail/${run.conversationId}?limit=200`)).events;
    events += trail.length;
    if (new Set(trail.map(({ eventId }) => eventId)).size !== trail.length) throw new Error('P-9: an event is there twice');
    for (const [, ofLog] of Map.groupBy(trail, ({ logId }) => logId)) {
      const wrong = ofLog.findIndex(({ sequence }, i) => sequence !== i + 1);
      if (wrong >= 0) throw new Error(`P-9: event ${wrong + 1} of a log has sequence ${ofLog[wrong]!.sequence}`);
    }
  }
  return events;
};

export const auditScenarios: Scenario[] = [
  {
    name: 'audit-holds-what-was-shown',
    promise: 'P-1 P-2 P-9 P-10',
    cluster: { audit: true },
    deadlineMs: 60_000,
    run: async (stage) => {
      const runs = await underWay(stage, 5, { words: 500, rate: 100 });
      await stage.cluster.audit!.kill();
      await (await stage.ownerOf(runs[0]!)).kill();
      await Promise.all(runs.map((run) => stage.ended(run, 20_000)));
      await stage.cluster.audit!.start();
      const from = performance.now();
      const events = await checkAudit(stage);
      stage.note(`${events} events, each once, in order, ${Math.round(performance.now() - from)} ms after the dead audit came back`);
      await stage.settle();
    },
  },
  {
    name: 'history-after-redis-lost-it',
    promise: 'P-1 P-9',
    cluster: { audit: true },
    deadlineMs: 60_000,
    run: async (stage) => {
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      const run = await stage.startRun({ conversationId, words: 100, rate: 200 });
      await stage.ended(run);
      await checkAudit(stage);
      stage.closeViewers();
      await stage.cluster.redis.restartEmpty();
      for (const gateway of stage.cluster.gateways) {
        const text = await waitFor(
          async () => {
            const url = `${gateway.url}/api/history/${conversationId}?user_id=${stage.userId}`;
            const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
            const { messages } = (await response.json()) as { messages: { messageId: string; text: string }[] };
            return messages.find(({ messageId }) => messageId === run.runId)?.text;
          },
          { deadlineMs: 5_000, everyMs: 100, what: `history from ${gateway.name}` },
        );
        if (text !== run.full) throw new Error(`P-1: ${gateway.name} gives ${text.length} bytes`);
      }
    },
  },
];
