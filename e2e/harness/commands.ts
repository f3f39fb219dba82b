import { randomUUID } from 'node:crypto';
import type { Answer, Message } from './viewers/events.ts';
import { elapse } from './wait.ts';

export interface HttpAnswer extends Partial<Answer> {
  status: number;
  /** Of the erasure of a person. */
  forgotten?: boolean;
}

/** One call; a network error is `status: 0`. */
export const call = async (method: string, url: string, body?: unknown, timeoutMs = 3_000): Promise<HttpAnswer> => {
  try {
    const response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { ...(text.startsWith('{') ? (JSON.parse(text) as object) : {}), status: response.status };
  } catch {
    return { status: 0 };
  }
};

export interface PromptCommand {
  conversationId: string;
  userId: string;
  text: string;
  messageId?: string;
  runId?: string;
  parentId?: string | null;
}

/** `POST /api/chat` as a client should do it: the same ids again, on any gateway, until somebody answers for good (W-4). */
export const prompt = async (
  origin: () => string,
  { userId, messageId = randomUUID(), runId = randomUUID(), ...rest }: PromptCommand,
  deadlineMs = 15_000,
): Promise<HttpAnswer & { messageId: string; runId: string }> => {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = await call('POST', `${origin()}/api/chat?user_id=${userId}`, { messageId, runId, ...rest });
    const again = answer.status === 0 || (answer.status >= 500 && answer.retryable !== false) || answer.status === 429;
    if (!again || performance.now() > deadline) return { messageId, ...answer, runId: answer.runId ?? runId };
    await elapse(Math.min(answer.retryAfterMs ?? 100, 500));
  }
};

export const cancel = (origin: string, command: { conversationId: string; runId: string; userId: string }): Promise<HttpAnswer> => {
  const { userId, ...body } = command;
  return call('POST', `${origin}/api/cancel?user_id=${userId}`, body);
};

export const history = async (origin: string, conversationId: string, userId: string): Promise<Message[]> => {
  const url = `${origin}/api/history/${conversationId}?limit=100&user_id=${userId}`;
  const answer = (await call('GET', url)) as HttpAnswer & { messages?: Message[] };
  if (answer.status !== 200 || !answer.messages) throw new Error(`history answered ${answer.status} ${answer.code ?? ''}`);
  return answer.messages;
};
