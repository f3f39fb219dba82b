import { randomUUID } from 'node:crypto';
import { call, prompt } from '../harness/commands.ts';
import type { Scenario } from '../harness/scenario.ts';
import { countText } from '../harness/viewers/expected.ts';

export const commandScenarios: Scenario[] = [
  {
    name: 'same-prompt-three-times-at-once',
    promise: 'P-1 P-2 W-4',
    cluster: { gateways: 3 },
    run: async (stage) => {
      for (let i = 0; i < 8; i++) {
        const conversationId = stage.newConversation();
        stage.watch(conversationId);
        await stage.live();
        const messageId = randomUUID();
        const answers = await Promise.all(
          stage.cluster.gateways.map((gateway) =>
            call('POST', `${gateway.url}/api/chat?user_id=${stage.userId}`, { conversationId, messageId, text: 'count 20 at 200' }),
          ),
        );
        const runIds = new Set(answers.map((answer) => answer.runId));
        const fresh = answers.filter((answer) => answer.duplicate === false).length;
        if (answers.some((answer) => answer.status !== 202) || runIds.size !== 1 || fresh !== 1) {
          throw new Error(`P-2: ${JSON.stringify(answers)}`);
        }
        const { screen } = stage.viewers.at(-1)!;
        const runId = answers[0]!.runId!;
        await screen.until(() => screen.finished.has(runId), 5_000, 'the end');
        if (screen.stats.starts !== 1) throw new Error(`P-2: ${screen.stats.starts} runs were started`);
        if (screen.finished.get(runId)!.text !== countText(20)) throw new Error('P-1: wrong text');
        // Long after, on another gateway, still the same run.
        const late = await prompt(stage.origin, { conversationId, userId: stage.userId, messageId, text: 'count 20 at 200' });
        if (late.runId !== runId || late.duplicate !== true) throw new Error(`W-4: repeated later: ${JSON.stringify(late)}`);
      }
      await stage.settle();
    },
  },
  {
    name: 'many-turns-and-branches',
    promise: 'P-1 P-2 W-12',
    run: async (stage) => {
      const conversationId = stage.newConversation();
      stage.watch(conversationId);
      stage.watchBySse(conversationId);
      for (let i = 0; i < 30; i++) await stage.ended(await stage.startRun({ conversationId, words: 5, rate: 500 }));
      const { messages } = stage.viewers[0]!.screen;
      const assistants = [...messages.values()].filter(({ role }) => role === 'assistant');
      const user = messages.get(assistants.at(-1)!.parentId!)!;
      const again = { conversationId, parentId: user.messageId, runId: randomUUID() };
      stage.expected.add({ conversationId, runId: again.runId, messageId: user.messageId, words: 5, endings: ['complete'] });
      const answer = await call('POST', `${stage.origin()}/api/regenerate?user_id=${stage.userId}`, again);
      if (answer.status !== 202) throw new Error(`regenerate answered ${answer.status} ${answer.code}`);
      const { screen } = stage.viewers[0]!;
      await screen.until(() => screen.finished.has(again.runId), 5_000, 'the second answer');
      if (screen.messages.get(again.runId)!.parentId !== user.messageId) throw new Error('the second answer has another parent');
      // Older runs have left the snapshot by now (W-12): only the newest are compared with late readers.
      const newest = new Set([...messages.keys()].slice(-40));
      for (const runId of [...stage.expected.runs.keys()]) if (!newest.has(runId)) stage.expected.runs.delete(runId);
      await stage.settle();
    },
  },
];
