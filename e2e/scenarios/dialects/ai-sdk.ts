import { DefaultChatTransport, WebSocketChatTransport, type ChatTransport, type UIMessage } from 'ai';
import { AiChat, workflowTransport } from '@runnel/gateway/testing';
import { history } from '../../harness/commands.ts';
import type { ExpectedRun } from '../../harness/viewers/expected.ts';
import type { Stage } from '../../harness/stage.ts';
import { elapse } from '../../harness/wait.ts';
import { balancedFetch, dialectScenario, type DialectForm } from './reader.ts';

/** A page that opens the chat, and opens it again whenever its connection broke or somebody reloads it. */
const read =
  (transport: (stage: Stage) => ChatTransport<UIMessage>, stopIsLeaving = true): DialectForm['read'] =>
  async (stage: Stage, { conversationId, runId }: ExpectedRun, { reloads }) => {
    for (;;) {
      const wire = transport(stage);
      const chat = new AiChat(conversationId, wire);
      // Over a socket `stop` stops the run; a page that is closed closes the socket.
      const go = (): void => void (stopIsLeaving ? chat.stop() : (wire as Partial<WebSocketChatTransport<UIMessage>>).close?.());
      const leave = reloads ? setTimeout(go, stage.random.between(50, 900)) : undefined;
      await chat.resumeStream();
      clearTimeout(leave);
      if (!stopIsLeaving) go();
      const last = chat.lastMessage;
      const { reason } = (last?.metadata ?? {}) as { reason?: string };
      if (last && last.id !== runId) throw new Error(`P-2: the message is ${last.id}`);
      if (reason !== undefined) return chat.text;
      // Nothing is being written any more: a page reads the history.
      const stored = (await history(stage.origin(), conversationId, stage.userId).catch(() => [])).find(
        (message) => message.messageId === runId,
      );
      if (stored) return stored.text;
      await elapse(50);
    }
  };

const optionsOf = (stage: Stage) => {
  const balanced = balancedFetch(stage);
  const as: typeof fetch = (url, init) => balanced(`${String(url)}${String(url).includes('?') ? '&' : '?'}user_id=${stage.userId}`, init);
  return { api: `${stage.cluster.gateways[0]!.url}/api/ai-sdk`, fetch: as };
};

export const aiSdkScenario = dialectScenario('ai-sdk', [
  { name: 'default', read: read((stage) => new DefaultChatTransport(optionsOf(stage))) },
  { name: 'workflow', read: read((stage) => workflowTransport({ ...optionsOf(stage), maxConsecutiveErrors: 50 })) },
  {
    name: 'websocket',
    read: read((stage) => new WebSocketChatTransport({ url: `${stage.origin()}/ws/ai-sdk`, params: { user_id: stage.userId } }), false),
  },
]);
