import type { Feedback, FolderList, Rating, SavedPrompt, SavedPromptList, Settings, SettingsPatch } from '@runnel/protocol/http';
import type { Api } from './api.ts';

export type { Feedback, FolderList, Rating, SavedPrompt, SavedPromptList, Settings, SettingsPatch };

/**
 * What the caller sets for themselves, the same on every device. A server of 0.1.0 has none of it and rejects all with `not-found`; where neither
 * of its stores can tell, everything rejects with `unavailable`.
 */
export interface Person {
  /** Thumbs for the answers of a conversation. */
  feedback(conversationId: string): Promise<Feedback[]>;
  /** Of one answer, and why; null takes both back. Rejects with `not-found` for what is no answer of theirs, `too-long` above 1,000 characters. */
  rate(conversationId: string, messageId: string, rating: Rating | null, reason?: string): Promise<void>;
  /** By name. */
  prompts(): Promise<SavedPromptList>;
  /** Makes or changes one. Rejects with `quota`, `too-long`, `empty`; `bad-frame` for a name that is none. */
  keepPrompt(name: string, text: string): Promise<SavedPrompt>;
  deletePrompt(name: string): Promise<void>;
  settings(): Promise<Settings>;
  /** Null takes a choice back. Resolves with all of them. */
  changeSettings(patch: SettingsPatch): Promise<Settings>;
  /** Of the list, by name, without what of them is archived. */
  folders(): Promise<FolderList['folders']>;
  /** All that is kept of the caller, a line of JSON for each thing, the last one `{"type":"end"}`: without it the file is not whole. */
  everything(signal?: AbortSignal): Promise<Response>;
}

const conversation = (id: string): string => `/api/conversations/${encodeURIComponent(id)}`;
const prompt = (name: string): string => `/api/prompts/${encodeURIComponent(name)}`;

export const createPerson = ({ get, call, open }: Pick<Api, 'get' | 'call' | 'open'>): Person => ({
  feedback: async (id) => (await get<{ feedback: Feedback[] }>(`${conversation(id)}/feedback`, { feedback: 'array' })).feedback,
  async rate(id, messageId, rating, reason) {
    const body = { rating, ...(reason !== undefined && { reason }) };
    await call('PUT', `${conversation(id)}/messages/${encodeURIComponent(messageId)}/feedback`, body, {});
  },
  prompts: () => get('/api/prompts', { prompts: 'array', limit: 'number' }),
  keepPrompt: (name, text) => call('PUT', prompt(name), { text }, { name: 'string', text: 'string', updatedAt: 'number' }),
  async deletePrompt(name) {
    await call('DELETE', prompt(name), undefined, {});
  },
  settings: () => get<Settings>('/api/settings', {}),
  changeSettings: (patch) => call<Settings>('PATCH', '/api/settings', patch, {}),
  folders: async () => (await get<FolderList>('/api/folders', { folders: 'array' })).folders,
  everything: (signal) => open('/api/export', { accept: 'application/x-ndjson', ...(signal && { signal }) }),
});
