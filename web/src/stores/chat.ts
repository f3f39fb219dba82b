import type { ConversationView } from '@runnel/client';
import { isWaiting, newId } from '@runnel/protocol';
import { useClient, useConversation } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef, watch } from 'vue';
import { entriesOf, type Entry, type RunHead } from '../lib/conversation/entries.ts';
import { choose, pathOf, reveal, ROOT, type Choices } from '../lib/conversation/tree.ts';
import { loadMarkdown } from '../composables/markdown.ts';
import { useConversations } from './conversations.ts';
import { useRoute } from './route.ts';
import { useSettings } from './settings.ts';

/** What the servers call whichever model is their default. */
const DEFAULT = 'default';

/** The conversation on the screen: what the log says, which branch the reader looks at, and what can be done with it. */
export const useChat = defineStore('chat', () => {
  const client = useClient();
  const route = useRoute();
  const settings = useSettings();
  const conversations = useConversations();

  const open = useConversation(() => route.conversationId);
  const { handle, view, conversation, run, runId, messages, pending, problem } = open;
  const choices = shallowRef<Choices>(new Map());
  /** Ids made here: nothing stands at their addresses yet, and that is right. */
  const made = new Set<string>();
  /** Runs that were asked for on this page: they began before its reader's eyes, however late it hears of them. */
  const asked = new Set<string>();
  /** Conversations that were seen on this page to have something in them. */
  const seen = new Set<string>();
  /** Why runs failed that ended on this page. */
  const failures = shallowRef<ReadonlyMap<string, { code: string; message: string }>>(new Map());
  /** The run that was asked to stop, until it has. */
  /** A prompt that was taken back: its words go into the message box. A new object each time. */
  const returned = shallowRef<{ text: string; files?: readonly string[] } | null>(null);
  const stopping = ref<string | null>(null);
  /** The message the reader came for, with the words looked for: shown in the middle of the page and marked. A new object each time. */
  const target = shallowRef<{ messageId: string } | null>(null);

  watch(
    () => route.conversationId,
    () => {
      choices.value = new Map();
      target.value = null;
      stopping.value = null;
    },
    // At once: a prompt sent from the start page goes into the conversation it has just opened.
    { flush: 'sync' },
  );

  // The same object until another run begins: a chunk must not rebuild the tree.
  const runHead = computed<RunHead | null>((before) =>
    before && before.runId === runId.value && before.parentId === run.value?.parentId ? before : run.value,
  );
  const entries = computed(() => entriesOf(messages.value, runHead.value, pending.value));
  const steps = computed(() => pathOf(entries.value, choices.value));
  /** The running answer needs somebody's decision before it goes on. */
  const waits = computed(() => (run.value?.waiting?.length ?? 0) > 0 && (run.value?.parts?.some(isWaiting) ?? false));
  const title = computed(
    () => conversation.value?.title || (route.conversationId && conversations.find(route.conversationId)?.title) || '',
  );
  const loading = computed(
    () => handle.value !== null && problem.value === null && view.value?.sync === 'loading' && entries.value.length === 0,
  );
  const isBare = computed(() => !loading.value && problem.value === null && entries.value.length === 0);
  /** `deleted`: it was here. `unknown`: nothing stands at this address. A start page there would be a lie. */
  const absent = computed<'deleted' | 'unknown' | null>(() => {
    const id = route.conversationId;
    if (id === null || !isBare.value || view.value?.sync !== 'live' || conversation.value?.logId !== null || made.has(id)) return null;
    return seen.has(id) || conversations.isGone(id) ? 'deleted' : 'unknown';
  });
  const empty = computed(() => isBare.value && absent.value === null);

  watch(
    () => conversation.value?.logId && conversation.value.conversationId,
    (id) => id && (made.delete(id), seen.add(id)),
  );
  watch(absent, (now) => now === 'deleted' && route.conversationId && conversations.forget(route.conversationId));
  watch(
    () => conversation.value?.ended,
    (ended) => ended?.error && (failures.value = new Map(failures.value).set(ended.runId, ended.error)),
  );

  watch(title, (text) => route.conversationId && text && conversations.retitle(route.conversationId, text));
  watch(runId, (id, before) => {
    stopping.value = null;
    if (route.conversationId && (id !== null || before !== null)) conversations.touch(route.conversationId, title.value || undefined);
  });

  /** What was picked in this conversation since it was opened; null: nothing. A model stays a conversation's own until another is picked. */
  const picked = shallowRef<string | null>(null);
  watch(
    () => route.conversationId,
    (_id, before) => before !== null && (picked.value = null),
    { flush: 'sync' },
  );
  const lastModel = computed(() => steps.value.findLast(({ node }) => node.role === 'assistant')?.node.model ?? null);
  /** The one that would answer next; null: the servers' default. */
  const chosen = computed({
    get: () => (picked.value === DEFAULT ? null : (picked.value ?? lastModel.value ?? settings.model)),
    set: (id: string | null) => {
      picked.value = id ?? DEFAULT;
      settings.model = id;
    },
  });
  const model = (): { model?: string } => {
    const named = picked.value ?? (steps.value.length === 0 ? settings.model : null);
    return named === null ? {} : { model: named };
  };

  /** Sends a prompt, opening a new conversation where none is open. `parentId` absent: after the branch on the screen. */
  const send = (text: string, parentId: string | null | undefined = undefined, files: readonly string[] = []): void => {
    if (route.conversationId === null) {
      const id = newId();
      made.add(id);
      route.go(id);
    }
    if (!handle.value) return;
    const last = steps.value.at(-1)?.node;
    // Nothing to be seen may mean that it has not come yet: the server knows what stands last.
    const parent = parentId === undefined ? last && (last.pending?.runId ?? last.messageId) : parentId;
    const place = parent === undefined ? {} : { parentId: parent };
    const { messageId, runId: askedFor } = handle.value.prompt(text, {
      ...place,
      ...model(),
      ...(files.length > 0 && { files }),
      waits: parentId === undefined,
    });
    asked.add(askedFor);
    if (parent !== undefined) choices.value = new Map(choices.value).set(parent ?? ROOT, messageId);
    conversations.touch(route.conversationId!, title.value || text.slice(0, 60));
  };

  /** `named`: by this model, instead of the one that would answer next. */
  const regenerate = async (entry: Entry, named?: string): Promise<void> => {
    if (entry.parentId === null) return;
    const next = new Map(choices.value);
    next.delete(entry.parentId);
    choices.value = next;
    await handle.value?.regenerate(entry.parentId, named === undefined ? model() : { model: named });
  };

  /** A sibling of a cut answer that begins with its text. */
  const goOn = async ({ parentId, messageId, model: named }: Entry): Promise<void> => {
    if (parentId === null) return;
    const next = new Map(choices.value);
    next.delete(parentId);
    choices.value = next;
    await handle.value?.regenerate(parentId, { continues: messageId, ...(named === null ? model() : { model: named }) });
  };

  /** Names of forks that may have been made: who tries again after an answer that was lost gets the same one. */
  const forks = new Map<string, string>();
  /** A conversation of its own that goes on from a message; opens it. */
  const fork = async (messageId: string): Promise<void> => {
    const source = route.conversationId;
    if (source === null) return;
    const key = `${source} ${messageId}`;
    const conversationId = forks.get(key) ?? newId();
    forks.set(key, conversationId);
    await client.forkConversation(source, { conversationId, messageId });
    forks.delete(key);
    // Whoever went elsewhere meanwhile stays there, and finds it in the list.
    if (route.conversationId === source) route.go(conversationId);
  };

  const stop = async (): Promise<void> => {
    stopping.value = runId.value;
    try {
      await handle.value?.cancel();
    } catch (error) {
      stopping.value = null;
      throw error;
    }
  };
  const remove = async (messageId: string): Promise<void> => void (await handle.value?.deleteMessage(messageId));
  const show = (messageId: string): void => {
    const entry = entries.value.find((e) => e.messageId === messageId);
    if (entry) choices.value = choose(choices.value, entry);
  };

  /** Brings a message of any branch, however old, onto the screen. */
  const find = async (messageId: string): Promise<void> => {
    const opened = handle.value;
    if (!opened) return;
    // The log's own word: what is drawn follows it a frame later.
    const now = (): ConversationView['conversation'] => opened.state.get().conversation;
    const isThere = (): boolean => now().messages.some((message) => message.messageId === messageId);
    // A page that brings nothing new would be asked for forever.
    for (let before = -1; !isThere() && now().hasMore && before !== now().messages.length;) {
      before = now().messages.length;
      await opened.loadOlder();
      if (handle.value !== opened) return;
    }
    // Answers change their height when they are drawn as Markdown.
    await loadMarkdown();
    if (handle.value !== opened || !isThere()) return;
    choices.value = reveal(now().messages, choices.value, messageId);
    target.value = { messageId };
  };
  watch(
    () => (view.value && !loading.value && problem.value === null ? route.route : null),
    (now) => now?.messageId && void find(now.messageId).catch(() => undefined),
    { immediate: true },
  );

  return {
    ...{ ...open, steps, entries, waits, title, loading, empty, absent, target, failures, stopping, returned },
    ...{ isAsked: (run: string): boolean => asked.has(run) },
    ...{ send, regenerate, goOn, fork, chosen, stop, remove, show },
  };
});
