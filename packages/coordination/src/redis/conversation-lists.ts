import type { Cluster, Redis } from 'ioredis';
import { isListed, type ListChange, type ListEvent } from '@runnel/protocol';
import { keyName, personParts, shardOf, type KeyParts } from './keys.ts';
import type { RedisCaller } from './client/caller.ts';
import type { ConversationSummary, Preset, RunLog } from '../run-log/run-log.ts';
import type { ScriptName, ScriptRunner } from './scripts.ts';
import type { ScriptArgs } from './args/script-args.ts';
import { toChangeResult, toProposeResult, type Reply } from './replies.ts';

/**
 * The lists of conversations by user. They have slots of their own, so they are written after the change they note, and a failure
 * costs only a line in a list.
 */
export interface ConversationLists {
  /**
   * What is absent of its preset stays as it was. `touched` moves it to the front and keeps its title, `learnt` the other way round; what is not
   * listed stays unlisted by both.
   */
  note(
    userId: string,
    conversationId: string,
    title: string,
    noted?: { change?: 'kept' | 'touched' | 'learnt' | 'deleted'; system?: string; model?: string; news?: ListChange },
  ): void;
  /** Tells a person's open pages. Best effort. */
  tell(userId: string, told: Omit<ListEvent, 'type'>): Promise<void>;
  list: RunLog['listConversations'];
}

/** As it is told: what it has not is absent. */
export const presetOf = (system?: string | null, model?: string | null): Preset => ({ ...(system && { system }), ...(model && { model }) });

/** Of a reply that ends with title, system and model of the conversation, what is noted of it. */
export const standing = (
  [title, system, model]: readonly unknown[],
  change: 'kept' | 'learnt',
): [string, { change: 'kept' | 'learnt' } & Preset] => [String(title), { change, ...presetOf(String(system), String(model)) }];

const partsOf = (userId: string, conversationId = ''): KeyParts => ({ shard: 0, conversationId, runId: '', userId });

export const createLists = (
  client: Redis | Cluster,
  scripts: ScriptRunner,
  caller: RedisCaller,
  onError: (error: Error) => void,
): ConversationLists => {
  /** Whether each waits for a person: its own record says so, and no list can be behind it. */
  const waitingOf = (ids: readonly string[]): Promise<number[]> =>
    Promise.all(
      ids.map((conversationId) =>
        client.hexists(keyName('owner', { shard: shardOf(conversationId), conversationId, runId: '' }), 'parked'),
      ),
    );
  const tell: ConversationLists['tell'] = async (userId, told) => {
    if (told.name !== undefined && !isListed(told.name)) return;
    const channel = keyName('personChannel', personParts(userId));
    await caller.call('publish-person', () => client.spublish(channel, JSON.stringify({ type: 'list', ...told })));
  };
  return {
    tell,
    note(userId, conversationId, title, { change = 'kept', system = '*', model = '*', news } = {}) {
      if (!isListed(conversationId)) return;
      caller
        .call('note-conversation', () =>
          scripts.run('note-conversation', partsOf(userId, conversationId), { title, change, system, model }),
        )
        .catch(onError)
        // Behind the list, so that who reads it then finds the change.
        .then(() => news && tell(userId, { change: news, name: conversationId, ...(title !== '' && { title }) }))
        .catch(onError);
    },
    async list({ userId, after = '', limit, only }) {
      const asked = { after, limit, only: only ? JSON.stringify(only) : '' };
      const reply = await caller.call('list-conversations', () => scripts.run('list-conversations', partsOf(userId), asked));
      const [, hasMore, ids, changedAt, titles, own] = reply as [string, number, string[], number[], ...(string | null)[][]];
      const waiting = await caller.call('list-waiting', () => waitingOf(ids)).catch((error: Error) => (onError(error), []));
      const conversations: ConversationSummary[] = ids.map((conversationId, index) => ({
        conversationId,
        title: titles?.[index] ?? '',
        updatedAt: Number(changedAt[index]),
        ...(waiting[index] === 1 && { waiting: true as const }),
        ...presetOf(own?.[index * 2], own?.[index * 2 + 1]),
      }));
      return { conversations, hasMore: Number(hasMore) === 1 };
    },
  };
};

type Run = <N extends ScriptName>(name: N, parts: KeyParts, args: ScriptArgs[N]) => Promise<Reply>;

/** What a conversation is called, by its owner or by a model: the list and the owner's open pages hear of either in the same way. */
export const createTitleCommands = (
  run: Run,
  keysOf: (conversationId: string, runId?: string) => KeyParts,
  cap: number,
  lists: Pick<ConversationLists, 'note'>,
): Pick<RunLog, 'setTitle' | 'proposeTitle'> => ({
  async setTitle({ conversationId, userId, title }) {
    const reply = await run('set-title', keysOf(conversationId), { userId, title, cap });
    if (reply[0] === 'done') lists.note(userId, conversationId, title, { news: 'changed' });
    return toChangeResult(reply);
  },
  async proposeTitle({ conversationId, runId, ...proposed }) {
    const { userId, promptId, expected, title, model } = proposed;
    const reply = await run('propose-title', keysOf(conversationId, runId), { userId, promptId, expected, title, model, cap });
    if (reply[0] === 'named') lists.note(userId, conversationId, title, { news: 'changed' });
    return toProposeResult(reply);
  },
});
