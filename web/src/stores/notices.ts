import { toRunnelError } from '@runnel/protocol';
import { defineStore } from 'pinia';
import { ref } from 'vue';
import { i18n } from '../i18n.ts';

const SHOWN_MS = 6_000;
const MAX_SHOWN = 3;

export interface Notice {
  id: number;
  text: string;
  /** Something a person may do about it; such a notice stays until they have, or have closed it. */
  action?: { label: string; run: () => void };
}

/** Short news at the edge of the page: mostly what went wrong. */
export const useNotices = defineStore('notices', () => {
  const items = ref<Notice[]>([]);
  let last = 0;

  const dismiss = (id: number): void => void (items.value = items.value.filter((item) => item.id !== id));

  const say = (text: string): void => {
    const id = ++last;
    items.value = [...items.value.filter((item) => item.text !== text), { id, text }].slice(-MAX_SHOWN);
    setTimeout(() => dismiss(id), SHOWN_MS);
  };

  const offer = (text: string, label: string, run: () => void): void => {
    items.value = [...items.value.filter((item) => item.text !== text), { id: ++last, text, action: { label, run } }].slice(-MAX_SHOWN);
  };

  /** Runs something a person asked for; tells them in their language when it fails. True when it worked. */
  const attempt = async (action: () => Promise<unknown> | void): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (error) {
      say(i18n.global.t(`error.${toRunnelError(error).code}`));
      return false;
    }
  };

  return { items, say, offer, dismiss, attempt };
});
