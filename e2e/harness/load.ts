import { randomUUID } from 'node:crypto';
import { call } from './commands.ts';
import type { Stage } from './stage.ts';
import { elapse } from './wait.ts';

/** What became of one command; times are of `performance.now()`. */
export interface Told {
  status: number;
  code: string | undefined;
  sentAt: number;
  toldAt: number;
}

/** Short prompts at a steady rate, each in a conversation of its own, over all gateways. */
export const startLoad = (stage: Stage, perSecond: number): { stop(): Promise<Told[]> } => {
  const asked: Promise<Told>[] = [];
  const ask = async (): Promise<Told> => {
    const body = { conversationId: stage.newConversation(), messageId: randomUUID(), text: 'count 1 at 100' };
    const sentAt = performance.now();
    const { status, code } = await call('POST', `${stage.origin()}/api/chat?user_id=${stage.userId}`, body, 8_000);
    return { status, code, sentAt, toldAt: performance.now() };
  };
  let stopped = false;
  const asking = (async (): Promise<void> => {
    const startedAt = performance.now();
    while (!stopped) {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond;
      while (asked.length < due) asked.push(ask());
      await elapse(5);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await asking;
      return Promise.all(asked);
    },
  };
};
