import type { Scenario } from '../../harness/scenario.ts';
import { waitFor } from '../../harness/wait.ts';
import { underWay } from '../ai-pods.ts';
import { checkAudit } from './check.ts';
import { auditFaultScenarios } from './faults.ts';
import { auditRebalanceScenarios } from './rebalance.ts';
import { auditTopicScenarios } from './topics.ts';

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
  ...auditFaultScenarios,
  ...auditRebalanceScenarios,
  ...auditTopicScenarios,
];
