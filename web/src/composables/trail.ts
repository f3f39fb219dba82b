import type { TrailEntry, TrailFilter, Verification } from '@runnel/client';
import { useClient } from '@runnel/vue';
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { download } from './download.ts';

const PAGE = 100;

export interface TrailView {
  events: ShallowRef<readonly TrailEntry[]>;
  /** There are later ones. */
  hasMore: Ref<boolean>;
  state: Ref<'idle' | 'loading' | 'ready' | 'failed'>;
  verified: ShallowRef<Verification | null>;
  load(filter: TrailFilter): Promise<void>;
  more(): Promise<void>;
  save(format: 'csv' | 'ndjson'): Promise<void>;
  verify(): Promise<void>;
}

/** A trail page by page, by time. The newest question counts. */
export const useTrail = (): TrailView => {
  const { archive } = useClient();
  const events = shallowRef<readonly TrailEntry[]>([]);
  const hasMore = ref(false);
  const state = ref<'idle' | 'loading' | 'ready' | 'failed'>('idle');
  const verified = shallowRef<Verification | null>(null);
  let asked: TrailFilter = {};
  let next: string | null = null;

  const read = async (filter: TrailFilter, after?: string): Promise<void> => {
    state.value = 'loading';
    try {
      const page = await archive.trail(filter, { limit: PAGE, ...(after !== undefined && { after }) });
      if (filter !== asked) return;
      events.value = after === undefined ? page.events : [...events.value, ...page.events];
      next = page.next;
      hasMore.value = next !== null;
      state.value = 'ready';
    } catch {
      if (filter === asked) state.value = 'failed';
    }
  };

  return {
    events,
    hasMore,
    state,
    verified,
    async load(filter) {
      asked = filter;
      events.value = [];
      verified.value = null;
      hasMore.value = false;
      await read(filter);
    },
    async more() {
      if (next !== null && state.value !== 'loading') await read(asked, next);
    },
    save: async (format) => download(await archive.trailFile(asked, format), `trail.${format}`),
    async verify() {
      const filter = asked;
      if (filter.conversationId === undefined) return;
      const result = await archive.verify(filter.conversationId, filter.all);
      if (filter === asked) verified.value = result;
    },
  };
};
