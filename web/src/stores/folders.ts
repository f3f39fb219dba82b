import type { ConversationSummary } from '@runnel/client';
import { toRunnelError } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { onScopeDispose, ref, shallowRef, watch } from 'vue';
import type { Folder } from '../lib/conversation/ages.ts';
import { OPEN_FOLDERS } from '../lib/own/stored.ts';
import { useConversations } from './conversations.ts';
import { useOwn } from './own.ts';

const PAGE = 200;
/** Hints come in crowds, as when many conversations are moved: they are one reading (ms). */
const READ_MS = 300;

const stored = (): string[] => {
  try {
    const names = JSON.parse(sessionStorage.getItem(OPEN_FOLDERS) ?? '[]') as unknown;
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
};

/** The reader's folders: names that conversations have. What is in one is read when it is opened. */
export const useFolders = defineStore('folders', () => {
  const client = useClient();
  const conversations = useConversations();
  const own = useOwn();

  const folders = shallowRef<readonly Folder[]>([]);
  const open = shallowRef<ReadonlySet<string>>(new Set(stored()));
  /** Being moved: the dialog is open for them. */
  const moving = ref<readonly string[] | null>(null);
  /** Getting another name: the dialog is open for it. */
  const naming = ref<string | null>(null);

  const contentsOf = async (name: string): Promise<ConversationSummary[]> => {
    const all: ConversationSummary[] = [];
    for (let hasMore = true; hasMore;) {
      const after = all.at(-1)?.conversationId;
      const page = await client.listConversations({ folder: name, limit: PAGE, ...(after !== undefined && { after }) });
      all.push(...page.conversations);
      hasMore = page.hasMore && page.conversations.length > 0;
    }
    return all;
  };
  const read = async (name: string): Promise<void> => conversations.takeFolder(name, await contentsOf(name));
  const load = async (): Promise<void> => {
    if (own.offered === false) folders.value = [];
    if (!own.offered) return;
    try {
      folders.value = await client.person.folders();
    } catch (error) {
      // A server that knows folders and not their list hides none: they stand by their age.
      if (toRunnelError(error).code === 'not-found') folders.value = [];
      return;
    }
    for (const { name } of folders.value) if (open.value.has(name)) await read(name).catch(() => undefined);
  };
  let reading: ReturnType<typeof setTimeout> | undefined;
  const loadSoon = (): void => void (reading ??= setTimeout(() => ((reading = undefined), void load()), READ_MS));
  watch(
    () => own.offered,
    () => void load(),
    { immediate: true },
  );
  const unhear = client.onList(({ change }) => void (['place', 'deleted', 'missed'].includes(change) && loadSoon()));
  onScopeDispose(() => {
    unhear();
    clearTimeout(reading);
  });

  const keepOpen = (names: ReadonlySet<string>): void => {
    open.value = names;
    try {
      sessionStorage.setItem(OPEN_FOLDERS, JSON.stringify([...names]));
    } catch {
      // Forbidden or full: they are closed after a reload.
    }
  };
  /** Rejects where what is in it cannot be read; it stays closed then. */
  const toggle = async (name: string): Promise<void> => {
    const next = new Set(open.value);
    if (!next.delete(name)) {
      await read(name);
      next.add(name);
    }
    keepOpen(next);
  };
  /** It has another name: open if it was. */
  const renamed = (before: string, name: string): void =>
    void (open.value.has(before) && keepOpen(new Set([...open.value].map((one) => (one === before ? name : one)))));

  return { folders, open, moving, naming, contentsOf, load, loadSoon, toggle, renamed };
});
