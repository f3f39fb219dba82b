import { newId } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, reactive, watch } from 'vue';
import { mayHaveKeptFiles } from '../composables/uploads/may-have-kept.ts';
import { useTokens } from '../tokens.ts';
import { useConnection } from './connection.ts';
import { useNotices } from './notices.ts';
import { useRoute } from './route.ts';
import { i18n } from '../i18n.ts';

export interface Attachment {
  id: string;
  /** The conversation it was added in; '' for the start page. */
  place: string;
  name: string;
  bytes: number;
  file: Blob;
  state: 'sending' | 'done' | 'failed';
  /** 0 … 1 */
  share: number;
  /** Why it failed. */
  code: string | null;
  fileId: string | null;
  thumbnail: string | null;
  at: number;
}

/** What a prompt takes. */
const MOST = 10;
/** Passes by itself. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'overloaded', 'rate-limited']);

// With the first file: few prompts have one.
const tools = () => import('../composables/uploads/index.ts');

/** Files beside the text of a prompt: they are uploaded as soon as they are added, and go with the next one that is sent. */
export const useAttachments = defineStore('attachments', () => {
  const client = useClient();
  const connection = useConnection();
  const notices = useNotices();
  const route = useRoute();
  const tokens = useTokens();
  const all = reactive(new Map<string, Attachment>());
  const running = new Map<string, { stop(): void }>();
  /** By fileId: what went with prompts of this page, should they come back. */
  const sent = new Map<string, Attachment>();

  const here = computed(() => route.conversationId ?? '');
  const items = computed(() => [...all.values()].filter(({ place }) => place === here.value));
  const owner = (): string => connection.connection.userId ?? '';

  const keep = async (item: Attachment, url?: string): Promise<void> => {
    const { id, place, name, file, fileId, at } = item;
    const { keepFile } = await tools();
    const more = { ...(url !== undefined && { url }), ...(fileId !== null && { fileId }) };
    if (all.has(id)) await keepFile(id, { owner: owner(), place, name, file, at, ...more });
  };

  const send = async (item: Attachment, url?: string): Promise<void> => {
    Object.assign(item, { state: 'sending', code: null });
    const { startUpload } = await tools();
    if (!all.has(item.id) || running.has(item.id)) return;
    let known = url;
    const upload = startUpload({
      file: item.file,
      name: item.name,
      ...(url !== undefined && { url }),
      token: tokens.get,
      begun: (at) => void keep(item, (known = at)),
      progress: (share) => (item.share = share),
      done(fileId) {
        running.delete(item.id);
        Object.assign(item, { state: 'done', share: 1, fileId });
        void keep(item, known);
      },
      failed(code) {
        running.delete(item.id);
        // The server has let go of what it had of it: the next try begins anew.
        if (known !== undefined && code === 'not-found') return void send(item);
        Object.assign(item, { state: 'failed', code });
      },
    });
    running.set(item.id, upload);
  };

  const put = (item: Attachment): Attachment => {
    all.set(item.id, item);
    return all.get(item.id)!;
  };
  const blank = { state: 'sending' as const, share: 0, code: null, fileId: null, thumbnail: null };

  const picture = async (item: Attachment): Promise<void> => {
    const { thumbnailOf } = await tools();
    item.thumbnail = await thumbnailOf(item.file);
  };

  /** Adds files to the prompt that is being written; more than it takes are told of. */
  const add = (files: readonly File[]): void => {
    const room = MOST - items.value.length;
    if (files.length > room) notices.say(i18n.global.t('file.tooMany', { most: MOST }));
    for (const file of files.slice(0, Math.max(0, room))) {
      const item = put({
        ...blank,
        id: newId(),
        place: here.value,
        name: file.name || i18n.global.t('part.file'),
        bytes: file.size,
        file,
        at: Date.now(),
      });
      void keep(item);
      void picture(item);
      void send(item);
    }
  };

  const forget = async (id: string): Promise<void> => {
    running.get(id)?.stop();
    running.delete(id);
    all.delete(id);
    await (await tools()).dropFile(id);
  };
  /** Takes one back: the server need not keep it either. */
  const remove = async (id: string): Promise<void> => {
    const fileId = all.get(id)?.fileId;
    await forget(id);
    if (fileId) await client.files.remove(fileId).catch(() => undefined);
  };
  const retry = (id: string): void => {
    const item = all.get(id);
    if (item?.state === 'failed') void send(item);
  };

  const settled = computed(() => items.value.every(({ state }) => state === 'done'));
  /** The files of the prompt that is sent now. */
  const take = (): string[] => {
    const taken = items.value.filter(({ state }) => state === 'done');
    for (const item of taken) {
      sent.set(item.fileId!, { ...item });
      void forget(item.id);
    }
    return taken.map(({ fileId }) => fileId!);
  };
  /** The prompt was not taken, or was taken back. */
  const giveBack = (fileIds: readonly string[]): void => {
    for (const fileId of fileIds) {
      const known = sent.get(fileId) ?? {
        ...blank,
        id: newId(),
        name: i18n.global.t('part.file'),
        bytes: 0,
        file: new Blob(),
        at: Date.now(),
      };
      void keep(put({ ...known, state: 'done', share: 1, fileId, place: here.value }));
    }
  };
  const nameOf = (fileId: string): string => sent.get(fileId)?.name ?? i18n.global.t('part.file');

  /** After a reload: what was on its way goes on, what was whole is still there. */
  const restore = async (): Promise<void> => {
    const { keptFiles } = await tools();
    for (const [id, kept] of await keptFiles(owner())) {
      if (all.has(id)) continue;
      const { place, name, file, at, fileId = null, url } = kept;
      const item = put({
        ...blank,
        id,
        place,
        name,
        file,
        at,
        fileId,
        bytes: file.size,
        ...(fileId !== null && { state: 'done', share: 1 }),
      });
      void picture(item);
      if (fileId === null) void send(item, url);
    }
  };
  const clear = async (): Promise<void> => {
    for (const upload of running.values()) upload.stop();
    running.clear();
    all.clear();
    sent.clear();
    if (await mayHaveKeptFiles()) await (await tools()).dropAllFiles();
  };

  let person = '';
  watch(
    () => (connection.online ? owner() : null),
    async (who) => {
      if (who === null) return;
      if (person !== '' && person !== who) await clear();
      person = who;
      for (const item of all.values()) if (item.state === 'failed' && PASSING.has(item.code ?? '')) void send(item);
      if (await mayHaveKeptFiles()) await restore();
    },
    { immediate: true },
  );

  return { items, settled, add, remove, retry, take, giveBack, nameOf, clear };
});
