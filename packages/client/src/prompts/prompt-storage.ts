import type { PendingPrompt } from './pending-prompt.ts';

/** The part of the Web Storage API that is used; `localStorage` fits. */
export interface PromptStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** A queued prompt with what only the queue needs to know. */
export interface QueuedPrompt extends PendingPrompt {
  /** Who wrote it; null: nobody was known yet. Never sent in somebody else's name. */
  userId: string | null;
  /** Written without a connection: it waits for the run in front of it instead of failing with `busy`. */
  patient: boolean;
  /** Goes after whatever stands last, once an answer it did not know of came before it. */
  follows?: boolean;
  /** Which page wrote it, over its reloads; absent: unknown. */
  page?: string;
}

const NAME = 'runnel.outbox.';
/** Servers recognise a repeated prompt for a day (W-4); sending an older one could say it twice. */
const MAX_AGE_MS = 20 * 3_600_000;

const parse = (text: string | null): QueuedPrompt | null => {
  try {
    const value = JSON.parse(text ?? 'null') as QueuedPrompt | null;
    const usable = typeof value?.messageId === 'string' && typeof value.conversationId === 'string' && typeof value.text === 'string';
    return usable ? value : null;
  } catch {
    return null;
  }
};

/** One key a prompt: two tabs that share the storage never overwrite each other's. */
export interface StoredPrompts {
  load(now: number): QueuedPrompt[];
  save(prompt: QueuedPrompt): void;
  remove(messageId: string): void;
}

/** @param path of the server: pages of one host share a storage, and what was written for one server is nothing to another below the same host */
export const createStoredPrompts = (storage?: PromptStorage, path = '/'): StoredPrompts => {
  const prefix = path === '/' ? NAME : path + NAME;
  return {
    load(now) {
      const keys = Array.from({ length: storage?.length ?? 0 }, (_, i) => storage?.key(i) ?? '').filter((key) => key.startsWith(prefix));
      const prompts: QueuedPrompt[] = [];
      for (const key of keys) {
        const prompt = parse(storage!.getItem(key));
        if (!prompt || now - prompt.createdAt > MAX_AGE_MS) storage!.removeItem(key);
        // Whether a prompt that was being sent arrived is not known; sending it again is safe (W-4).
        else prompts.push(prompt.status === 'failed' ? prompt : { ...prompt, status: 'queued' });
      }
      return prompts.sort((a, b) => a.createdAt - b.createdAt);
    },
    save(prompt) {
      try {
        storage?.setItem(prefix + prompt.messageId, JSON.stringify(prompt));
      } catch {
        // Full or forbidden: the prompt lives as long as the page does.
      }
    },
    remove: (messageId) => storage?.removeItem(prefix + messageId),
  };
};
