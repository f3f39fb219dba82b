import { createClient } from '@runnel/client';
import { WebSocket } from 'ws';
import { startReplica } from '../../harness/processes/replica.ts';
import type { Scenario } from '../../harness/scenario.ts';
import { countText } from '../../harness/viewers/expected.ts';
import { elapse, waitFor } from '../../harness/wait.ts';

export const failoverPromptScenarios: Scenario[] = [
  {
    name: 'redis-failover-that-loses-prompts',
    promise: 'P-1 P-2 W-4 W-13',
    cluster: { proxied: true, audit: true },
    deadlineMs: 90_000,
    run: async (stage) => {
      const { redis, ai, audit } = stage.cluster;
      await using replica = await startReplica(redis.nodes[0]!);
      const client = createClient({
        url: stage.cluster.gateways[0]!.url,
        userId: stage.userId,
        WebSocket: WebSocket as unknown as NonNullable<Parameters<typeof createClient>[0]['WebSocket']>,
      });
      try {
        const chats = Array.from({ length: 4 }, () => client.conversation(stage.newConversation()));
        const ended = (chat: (typeof chats)[number], runId: string) =>
          waitFor(() => chat.state.get().conversation.messages.find(({ messageId }) => messageId === runId), {
            deadlineMs: 30_000,
            what: `the answer ${runId}`,
          });
        await Promise.all(chats.map((chat) => ended(chat, chat.prompt('count 3 at 200').runId)));

        // Accepted, shown and waiting for a pod: nobody holds a word of their answers. The database hears of two of them.
        for (const pod of ai) await pod.kill();
        const ask = (chat: (typeof chats)[number]) => ({ chat, ...chat.prompt('count 20 at 200') });
        const isShown = ({ chat, runId }: { chat: (typeof chats)[number]; runId: string }) =>
          waitFor(() => chat.state.get().conversation.run?.runId === runId, { deadlineMs: 10_000, what: 'the prompt to be shown' });
        await replica.caughtUp();
        replica.lag();
        const heard = chats.slice(0, 2).map(ask);
        await Promise.all(heard.map(isShown));
        await elapse(2_000);
        await audit!.kill();
        const unheard = chats.slice(2).map(ask);
        await Promise.all(unheard.map(isShown));

        await stage.promote(replica.redis);
        for (const pod of [...ai, audit!]) await pod.start();
        for (const { chat, messageId, runId } of [...heard, ...unheard]) {
          const { text } = await ended(chat, runId);
          if (text !== countText(20)) throw new Error(`P-1: ${text.length} bytes of ${runId}`);
          const { messages } = chat.state.get().conversation;
          const answers = messages.filter(({ role, parentId }) => role === 'assistant' && parentId === messageId);
          if (answers.length !== 1) throw new Error(`P-2: ${answers.length} answers of one prompt`);
          if (messages.length !== 4) throw new Error(`P-1: ${messages.length} messages of four`);
        }
        stage.note(`${heard.length + unheard.length} prompts that the store lost were sent again and answered once`);
      } finally {
        client.close();
      }
    },
  },
];
