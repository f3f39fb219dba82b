import { createHash } from 'node:crypto';
import { call, history } from '../harness/commands.ts';
import { countText } from '../harness/viewers/expected.ts';
import { waitFor } from '../harness/wait.ts';
import type { LeftBehind } from './release.ts';

export interface Answered {
  messageId: string;
  text: string;
  status: string;
  sha256: string;
}

/** The conversation that was over, as a gateway tells it now, in the fixture's own form. */
export const readOver = async (origin: string, { over, userId }: LeftBehind): Promise<LeftBehind['messages']> =>
  (await history(origin, over, userId)).map(({ messageId, role, text, status }) => ({
    messageId,
    role,
    text,
    status,
    sha256: createHash('sha256').update(text).digest('hex'),
  }));

/** The half-written answer once it has ended; `undefined` text when the history has no such message. */
export const endOfRunning = async (origin: string, { going, userId }: LeftBehind, deadlineMs: number): Promise<Answered> =>
  await waitFor(
    async () => {
      const answer = (await history(origin, going, userId)).find(({ messageId }) => messageId === 'running');
      return answer && { ...answer, sha256: createHash('sha256').update(answer.text).digest('hex') };
    },
    { deadlineMs, everyMs: 100, what: 'the half-written answer to end' },
  );

/** A new turn in each of the two conversations is answered. */
export const goesOn = async (origin: string, { over, going, userId }: LeftBehind): Promise<void> => {
  for (const conversationId of [over, going]) {
    const body = { conversationId, messageId: 'new-question', runId: 'new-answer', text: 'count 5 at 200', model: 'count' };
    const { status, code } = await call('POST', `${origin}/api/chat?user_id=${userId}`, body);
    if (status !== 202) throw new Error(`a new turn of ${conversationId} was answered ${status} ${code}`);
    await waitFor(async () => (await history(origin, conversationId, userId)).find(({ text }) => text === countText(5)), {
      deadlineMs: 10_000,
      what: `the new answer of ${conversationId}`,
    });
  }
};

/** What the trail of a conversation says of itself, once the audit has everything. */
export const verified = async (origin: string, conversationId: string, userId: string): Promise<{ events: number; problems: string[] }> => {
  const answer = await call('GET', `${origin}/api/conversations/${conversationId}/verify?user_id=${userId}`, undefined, 10_000);
  if (answer.status !== 200) throw new Error(`verify answered ${answer.status} ${answer.code}`);
  return answer as unknown as { events: number; problems: string[] };
};

/** Tokens of all runs, as the statistics tell them: input, output. */
export const tokensOf = async (origin: string, admin: string): Promise<[number, number]> => {
  const answer = await call('GET', `${origin}/api/admin/analytics?user_id=${admin}&from=0&to=${8e15}&bucket=86400000`, undefined, 10_000);
  if (answer.status !== 200) throw new Error(`analytics answered ${answer.status} ${answer.code}`);
  const { statistics } = answer as unknown as { statistics: { inputTokens: number; outputTokens: number }[] };
  return statistics.reduce(([input, output], row) => [input + row.inputTokens, output + row.outputTokens], [0, 0]);
};
