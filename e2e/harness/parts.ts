import { createHash } from 'node:crypto';
import { call, type HttpAnswer } from './commands.ts';

/** As PROTOCOL.md has it. */
export interface ToolPart {
  partId: string;
  index: number;
  at: number;
  kind: string;
  state: string;
  name?: string;
  input?: string;
  output?: string;
  attempt?: number;
  error?: { code: string };
  step?: number;
}
export interface Shown {
  run: { runId: string; text: string; parts?: ToolPart[]; waiting?: string[] } | null;
  messages: { messageId: string; text: string; status: string; parts?: ToolPart[] }[];
}

/** What a fresh reader of this gateway is shown first. */
export const snapshotOf = async (origin: string, conversationId: string, userId: string): Promise<Shown> => {
  const stop = AbortSignal.timeout(3_000);
  const response = await fetch(`${origin}/api/conversations/${conversationId}/events?user_id=${userId}`, { signal: stop });
  let text = '';
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const [, json] = /^data: (\{[^\n]*"type":"snapshot"[^\n]*\})\n/m.exec(text) ?? [];
    if (json !== undefined) return JSON.parse(json) as Shown;
  }
  throw new Error('the events ended without a snapshot');
};

/** The parts of a run, whether it runs or has ended. */
export const partsOf = ({ run, messages }: Shown, runId: string): ToolPart[] =>
  (run?.runId === runId ? run.parts : messages.find(({ messageId }) => messageId === runId)?.parts) ?? [];

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `outcome` as it was answered; undefined when the gateway was away. */
export const decide = async (
  origin: string,
  userId: string,
  command: { conversationId: string; runId: string; partId: string; decision: string; inputSha256?: string },
): Promise<Omit<HttpAnswer, 'outcome'> & { outcome?: string }> => call('POST', `${origin}/api/decide?user_id=${userId}`, command);
