import { defineStore } from 'pinia';
import { computed, shallowRef, watch } from 'vue';
import { seamsOf, watchSeams, type Seam, type Watched } from '../lib/conversation/seams.ts';
import { useChat } from './chat.ts';

/** So many answers of this page are remembered. */
const MOST = 100;

/** Where answers were joined together while this page watched: by run, in order. Looked at once a frame, as the page is drawn. */
export const useSeams = defineStore('seams', () => {
  const chat = useChat();
  const known = shallowRef<ReadonlyMap<string, readonly Seam[]>>(new Map());
  let watched: Watched | null = null;
  /** No answer was running here, and the conversation was followed: the next one begins before the reader's eyes. */
  let idle = false;

  const note = (runId: string, seams: readonly Seam[]): void => {
    if (seams.length === (known.value.get(runId)?.length ?? 0)) return;
    known.value = new Map([...known.value, [runId, seams] as const].slice(-MOST));
  };
  watch(
    () => [chat.handle, chat.run, chat.view?.sync] as const,
    ([handle, run, sync], before) => {
      if (handle !== before?.[0]) [watched, idle] = [null, false];
      const now = Date.now();
      if (run === null || sync === 'loading') {
        if (watched && run === null) note(watched.runId, seamsOf(watched, now));
        watched = null;
        idle = sync === 'live';
        return;
      }
      const { runId, moves, text } = run;
      const resumeMs = chat.view?.lastResume?.ms ?? 0;
      const glance = { runId, moves, length: text.length, live: sync === 'live', resumeMs, waits: run.waiting !== undefined };
      watched = watchSeams(watched, glance, now, idle || watched !== null || chat.isAsked(runId));
      note(runId, watched.seams);
    },
    { immediate: true },
  );
  /** Of the answer that runs on the branch on the screen. */
  const shown = computed(() => {
    const running = chat.steps.findLast(({ node }) => node.status === 'running')?.node;
    return running && known.value.get(running.messageId);
  });
  return { known, shown };
});
