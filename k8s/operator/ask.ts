import { randomUUID } from 'node:crypto';

const DEADLINE_MS = 20_000;

export interface Told {
  status: number;
  /** Who answered. */
  model: string;
  text: string;
}

interface Completion {
  model?: string;
  choices?: { message?: { content?: string } }[];
}

/** One question by `/v1`; what broke on the way is a status of 0. */
export const ask = async (origin: string, model: string, content: string): Promise<Told> => {
  try {
    const answer = await fetch(`${origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer asker-${randomUUID().slice(0, 8)}` },
      body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const { model: who = '', choices = [] } = (await answer.json()) as Completion;
    return { status: answer.status, model: who, text: choices[0]?.message?.content ?? '' };
  } catch {
    return { status: 0, model: '', text: '' };
  }
};
