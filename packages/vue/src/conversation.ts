import type { ConversationHandle, ConversationView, PendingPrompt, Problem } from '@runnel/client';
import type { ConversationState, Message, RunState } from '@runnel/protocol';
import { computed, onScopeDispose, ref, shallowRef, toValue, watch, type ComputedRef, type MaybeRefOrGetter, type Ref } from 'vue';
import { useClient } from './client.ts';
import { useStoreRef } from './store-ref.ts';

/** The open conversation; each ref is null or empty while none is open. Drawn once a frame, however many words come in it. */
export interface ConversationRefs {
  /** Its commands: `prompt`, `regenerate`, `cancel`, `answer`, … */
  handle: Readonly<Ref<ConversationHandle | null>>;
  view: Readonly<Ref<ConversationView | null>>;
  conversation: ComputedRef<ConversationState | null>;
  messages: ComputedRef<readonly Message[]>;
  /** Prompts that the log has not shown yet. */
  pending: ComputedRef<readonly PendingPrompt[]>;
  /** The running answer. */
  run: ComputedRef<RunState | null>;
  runId: ComputedRef<string | null>;
  runText: ComputedRef<string>;
  /** Why it cannot be followed. */
  problem: ComputedRef<Problem | null>;
  someoneTyping: ComputedRef<boolean>;
  /** Runs that moved to another pod while this scope watched. */
  moved: Readonly<Ref<ReadonlySet<string>>>;
  /** Answers whose text was proved equal to the server's (W-10). */
  proved: Readonly<Ref<ReadonlySet<string>>>;
  /** There are messages before the oldest one held. */
  hasMore: ComputedRef<boolean>;
  loadingOlder: Readonly<Ref<boolean>>;
  /** Does nothing while a page is loading and where there is none. Rejects with RunnelError. */
  loadOlder(): Promise<void>;
}

/**
 * Follows the conversation of this id, another one when the id changes, and none while it is null; the scope's end closes it. The handle
 * changes at once with the id, so that a prompt can go into the conversation that was just made.
 */
export const useConversation = (id: MaybeRefOrGetter<string | null>): ConversationRefs => {
  const client = useClient();
  const handle = shallowRef<ConversationHandle | null>(null);
  const view = useStoreRef(() => handle.value?.state ?? null);
  const moved = shallowRef<ReadonlySet<string>>(new Set());
  const proved = shallowRef<ReadonlySet<string>>(new Set());
  const loadingOlder = ref(false);

  watch(
    () => toValue(id),
    (now) => {
      handle.value?.close();
      handle.value = now === null ? null : client.conversation(now);
    },
    { immediate: true, flush: 'sync' },
  );
  onScopeDispose(() => handle.value?.close());

  const conversation = computed(() => view.value?.conversation ?? null);
  const run = computed(() => conversation.value?.run ?? null);
  const hasMore = computed(() => conversation.value?.hasMore ?? false);

  watch(
    () => run.value && run.value.moves > 0 && run.value.runId,
    (runId) => runId && (moved.value = new Set(moved.value).add(runId)),
  );
  watch(
    () => view.value?.verified === 'verified' && conversation.value?.ended?.runId,
    (runId) => runId && (proved.value = new Set(proved.value).add(runId)),
  );

  const loadOlder = async (): Promise<void> => {
    if (!handle.value || !hasMore.value || loadingOlder.value) return;
    loadingOlder.value = true;
    try {
      await handle.value.loadOlder();
    } finally {
      loadingOlder.value = false;
    }
  };

  return {
    ...{ handle, view, conversation, run, moved, proved, hasMore, loadingOlder, loadOlder },
    runId: computed(() => run.value?.runId ?? null),
    runText: computed(() => run.value?.text ?? ''),
    messages: computed(() => conversation.value?.messages ?? []),
    pending: computed(() => view.value?.pending ?? []),
    problem: computed(() => view.value?.problem ?? null),
    someoneTyping: computed(() => (view.value?.typing.length ?? 0) > 0),
  };
};
