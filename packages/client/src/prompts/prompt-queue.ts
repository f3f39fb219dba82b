import { RunnelError, toRunnelError, type OkEvent } from '@runnel/protocol';
import { backoffMs } from '../connection/backoff.ts';
import type { Clock } from '../clock.ts';
import { problemOf } from '../api/errors.ts';
import { createStoredPrompts, type PromptStorage, type QueuedPrompt } from './prompt-storage.ts';
import type { PendingPrompt, ShownPrompt } from './pending-prompt.ts';
import type { Command } from '../api/requests.ts';

/**
 * Prompts on their way, of all conversations: those written without a connection wait here, in order, and each stays until its
 * conversation shows it. One prompt a conversation is being sent at a time.
 */
export interface PromptQueue {
  /**
   * Takes a prompt and sends it as soon as it can. `waits`: for the run in front of it, and after its answer, instead of `busy`.
   * Throws `overloaded` when the queue is full.
   */
  add(
    prompt: Pick<PendingPrompt, 'messageId' | 'conversationId' | 'runId' | 'text' | 'parentId' | 'model' | 'files'>,
    options?: { waits?: boolean },
  ): void;
  /** Tries a failed prompt again, under the same ids. */
  retry(messageId: string): void;
  /** Forgets a prompt that is not being sent, or one the conversation shows now. */
  drop(messageId: string): void;
  /** Its conversation shows it in this log. It is kept, out of sight, until `over`: at most the newest 50. */
  shown(messageId: string, logId: string): void;
  /** Those that were shown, of one conversation. */
  kept(conversationId: string): readonly (PendingPrompt & ShownPrompt)[];
  /** One that was shown needs no keeping any more. */
  over(messageId: string): void;
  /** The store lost it. It goes out again under the same ids, once for a log; `null`: there is no log, so its writer is asked. */
  again(messageId: string, logId: string | null): void;
  /** Of one conversation, oldest first; the same array until something changed. */
  pending(conversationId: string): readonly PendingPrompt[];
  /** Called with the conversation whose prompts changed. */
  subscribe(listener: (conversationId: string) => void): () => void;
  /** A connection is there, for this user. */
  connected(userId: string | null): void;
  /** Nobody was let in: who comes next need not be who wrote what waits. */
  refused(): void;
  /** The conversation is followed and has a run: patient prompts wait for `unblock` and try nothing meanwhile. */
  hold(conversationId: string): void;
  /** The conversation has no run any more, or is not followed any more: a patient prompt may try. */
  unblock(conversationId: string): void;
  close(): void;
}

export interface PromptQueueOptions {
  send: (command: Command) => Promise<OkEvent>;
  isLive: () => boolean;
  clock: Clock;
  random: () => number;
  userId?: string;
  /** Who is taken to write here until a connection says who it is; nothing is sent before. */
  reader?: string;
  /** Names this page over its reloads. */
  page?: string;
  storage?: PromptStorage;
  /** Path of the server, with a slash at both ends. */
  path?: string;
}

export const MAX_QUEUED_PROMPTS = 50;
/** How often a patient prompt finds the conversation busy before its writer is asked. */
const MAX_BUSY_TRIES = 20;
/** Prompts that are shown and whose answers have not ended; one a conversation, so that many conversations are meant. */
const MAX_KEPT_PROMPTS = 50;
const NONE: readonly PendingPrompt[] = [];

/** Nobody can tell any more who wrote it: it never goes out by itself, only when a person who sees it says so. */
const orphaned = (prompt: QueuedPrompt): QueuedPrompt => ({
  ...prompt,
  status: 'failed',
  error: problemOf(new RunnelError('unauthorized', 'Written before anybody had signed in.')),
});

export const createPromptQueue = (options: PromptQueueOptions): PromptQueue => {
  const { clock } = options;
  const stored = createStoredPrompts(options.storage, options.path);
  const listeners = new Set<(conversationId: string) => void>();
  const views = new Map<string, readonly PendingPrompt[]>();
  /** Conversations that answered `busy` to a patient prompt, with the timer of the next try. */
  const blocked = new Map<string, { tries: number; cancel: () => void }>();
  const held = new Set<string>();
  let userId = options.userId ?? options.reader ?? null;
  let identified = false;
  let prompts: readonly QueuedPrompt[] = stored
    .load(clock.now())
    // A page that was reloaded is the same person's; what another page left may be anybody's.
    .map((p) => (p.userId === null && (p.page === undefined || p.page !== options.page) ? orphaned(p) : p));

  let kept: readonly (QueuedPrompt & ShownPrompt)[] = [];

  const mine = (prompt: QueuedPrompt): boolean => prompt.userId === null || prompt.userId === userId;

  const replace = (next: readonly QueuedPrompt[], conversationId: string): void => {
    prompts = next;
    views.delete(conversationId);
    for (const listener of [...listeners]) listener(conversationId);
  };
  const change = (messageId: string, fields: Partial<QueuedPrompt>, { unplaced = false } = {}): void => {
    const prompt = prompts.find((p) => p.messageId === messageId);
    if (!prompt) return;
    const { parentId: _, ...rest } = prompt;
    const next = { ...(unplaced ? rest : prompt), ...fields };
    if (next.status === 'sent') stored.remove(messageId);
    else stored.save(next);
    replace(
      prompts.map((p) => (p === prompt ? next : p)),
      prompt.conversationId,
    );
  };

  const unblock = (conversationId: string): void => {
    blocked.get(conversationId)?.cancel();
    blocked.delete(conversationId);
    held.delete(conversationId);
    flush(conversationId);
  };

  /** A patient prompt tries again on its own: the conversation may not be open, so nobody may tell when its run ends. */
  const block = (prompt: QueuedPrompt): boolean => {
    if (held.has(prompt.conversationId)) return true;
    const tries = (blocked.get(prompt.conversationId)?.tries ?? 0) + 1;
    if (tries > MAX_BUSY_TRIES) return false;
    const cancel = clock.after(1_000 + backoffMs(tries, options.random), () => {
      blocked.set(prompt.conversationId, { tries, cancel: () => undefined });
      flush(prompt.conversationId, { again: true });
    });
    blocked.set(prompt.conversationId, { tries, cancel });
    return true;
  };

  const onError = (prompt: QueuedPrompt, error: RunnelError): void => {
    if (error.code === 'busy' && prompt.patient && block(prompt)) {
      // Somebody else's answer came before it: beside that it would stand as a second version of the same place.
      return change(prompt.messageId, { status: 'queued' }, { unplaced: prompt.follows === true });
    }
    // Cut off, not refused: it goes out again, under the same ids, with the next connection of its writer.
    if (error.code === 'unavailable' && !(options.isLive() && mine(prompt))) return change(prompt.messageId, { status: 'queued' });
    blocked.delete(prompt.conversationId);
    change(prompt.messageId, { status: 'failed', error: problemOf(error) });
  };

  const send = async (prompt: QueuedPrompt): Promise<void> => {
    const { messageId, conversationId, runId, text, parentId, model, files } = prompt;
    change(messageId, { status: 'sending', error: null });
    try {
      const fields = {
        ...(parentId !== undefined && { parentId }),
        ...(model !== undefined && { model }),
        ...(files && { files: [...files] }),
      };
      const { offset } = await options.send({ type: 'prompt', conversationId, messageId, runId, text, ...fields });
      blocked.delete(conversationId);
      change(messageId, { status: 'sent', ...(offset !== undefined && { offset }) });
    } catch (error) {
      onError(prompt, toRunnelError(error));
    }
    flush(conversationId);
  };

  const flush = (conversationId: string, { again = false } = {}): void => {
    if (!options.isLive() || !identified) return;
    const own = prompts.filter((p) => p.conversationId === conversationId && mine(p));
    const next = own.find((p) => p.status === 'queued');
    if (next?.patient && (held.has(conversationId) || (blocked.has(conversationId) && !again))) return;
    if (next && !own.some((p) => p.status === 'sending')) void send(next);
  };

  return {
    add(prompt, { waits = false } = {}) {
      if (prompts.filter((p) => p.status !== 'sent').length >= MAX_QUEUED_PROMPTS) {
        throw new RunnelError('overloaded', 'Too many prompts wait to be sent.');
      }
      const patient = waits || !options.isLive();
      const queued: QueuedPrompt = {
        ...{ ...prompt, status: 'queued', error: null, createdAt: clock.now(), userId, patient, follows: waits },
        ...(options.page !== undefined && { page: options.page }),
      };
      stored.save(queued);
      replace([...prompts, queued], prompt.conversationId);
      flush(prompt.conversationId);
    },
    retry(messageId) {
      const prompt = prompts.find((p) => p.messageId === messageId && p.status === 'failed');
      if (!prompt) return;
      change(messageId, { status: 'queued', error: null, userId: prompt.userId ?? userId });
      flush(prompt.conversationId);
    },
    drop(messageId) {
      const prompt = prompts.find((p) => p.messageId === messageId);
      if (!prompt) return;
      stored.remove(messageId);
      replace(
        prompts.filter((p) => p !== prompt),
        prompt.conversationId,
      );
    },
    shown(messageId, logId) {
      const prompt = prompts.find((p) => p.messageId === messageId) ?? kept.find((p) => p.messageId === messageId);
      if (!prompt) return;
      stored.remove(messageId);
      kept = [...kept.filter((p) => p.messageId !== messageId), { ...prompt, status: 'sent' as const, logId }].slice(-MAX_KEPT_PROMPTS);
      if (!prompts.includes(prompt)) return;
      replace(
        prompts.filter((p) => p !== prompt),
        prompt.conversationId,
      );
    },
    kept: (conversationId) => kept.filter((p) => p.conversationId === conversationId),
    over: (messageId) => void (kept = kept.filter((p) => p.messageId !== messageId)),
    again(messageId, logId) {
      const found = kept.find((p) => p.messageId === messageId) ?? prompts.find((p) => p.messageId === messageId);
      if (!found) return;
      const { offset: _, logId: __, ...prompt }: QueuedPrompt & Partial<ShownPrompt> = found;
      const error = logId === null ? problemOf(new RunnelError('not-found', 'The conversation is not there any more.')) : null;
      const next: QueuedPrompt = {
        ...prompt,
        status: error ? 'failed' : 'queued',
        error,
        patient: true,
        ...(logId !== null && { again: logId }),
      };
      kept = kept.filter((p) => p.messageId !== messageId);
      stored.save(next);
      replace([...prompts.filter((p) => p.messageId !== messageId), next], next.conversationId);
      flush(next.conversationId);
    },
    pending(conversationId) {
      if (!prompts.some((p) => p.conversationId === conversationId)) return NONE;
      let view = views.get(conversationId);
      // Before anybody is known, a stored prompt could be somebody else's.
      const visible = (p: QueuedPrompt): boolean => p.conversationId === conversationId && mine(p) && (identified || p.userId === userId);
      if (!view) views.set(conversationId, (view = prompts.filter(visible)));
      return view;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    connected(user) {
      // Who was only taken to be here is not, when somebody is let in without a name.
      userId = user ?? (identified ? userId : (options.userId ?? null));
      identified = true;
      views.clear();
      // Written on this page while it was on its way to this user.
      for (const p of prompts) if (p.userId === null && p.status === 'queued') change(p.messageId, { userId });
      const conversations = new Set(prompts.map((p) => p.conversationId));
      for (const id of conversations) {
        for (const listener of [...listeners]) listener(id);
        unblock(id);
      }
    },
    refused() {
      for (const p of prompts) if (p.userId === null && p.status === 'queued') change(p.messageId, orphaned(p));
    },
    hold(conversationId) {
      blocked.get(conversationId)?.cancel();
      blocked.delete(conversationId);
      held.add(conversationId);
    },
    unblock,
    close() {
      for (const { cancel } of blocked.values()) cancel();
      blocked.clear();
      listeners.clear();
    },
  };
};
