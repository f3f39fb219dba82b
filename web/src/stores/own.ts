import { toRunnelError, type ErrorCode } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { onScopeDispose, ref, watch } from 'vue';
import { i18n } from '../i18n.ts';
import { choicesIn, CHOICES, patchOf, readUnsent, type Choice, type Unsent } from '../lib/own/choices.ts';
import { UNSENT } from '../lib/own/stored.ts';
import { useNotices } from './notices.ts';
import { useSettings } from './settings.ts';

/** A server that says so says so again. */
const REFUSED: ReadonlySet<ErrorCode> = new Set(['bad-frame', 'too-long', 'quota', 'forbidden']);

/** Whether the server keeps what people set, and their settings: chosen on one device, and there on all. */
export const useOwn = defineStore('own', () => {
  const client = useClient();
  const settings = useSettings();
  const notices = useNotices();
  /** Null: not known yet. False: a server of an earlier release. */
  const offered = ref<boolean | null>(null);
  /** The last choices have not reached the server. */
  const waits = ref(false);

  const unsent = new Set<Choice>();
  let owner: string | null = null;
  /** Rises with each choice made here, and when it has reached the server: what was asked before is not the last word. */
  let moves = 0;
  let first = true;
  let sending: Promise<void> | null = null;

  const remember = (): void => {
    waits.value = unsent.size > 0;
    try {
      if (unsent.size === 0 || owner === null) localStorage.removeItem(UNSENT);
      else localStorage.setItem(UNSENT, JSON.stringify({ userId: owner, choices: [...unsent] } satisfies Unsent));
    } catch {
      // No storage: what did not reach the server is this device's alone after a reload.
    }
  };
  /** What an earlier page of the same person could not tell. */
  const claim = (): void => {
    const { userId } = client.connection.get();
    if (userId === null || userId === owner) return;
    // Who signs in after somebody else must not say what that one chose.
    if (owner !== null) unsent.clear();
    owner = userId;
    let stored: string | null = null;
    try {
      stored = localStorage.getItem(UNSENT);
    } catch {
      // No storage.
    }
    for (const choice of readUnsent(stored, userId)) unsent.add(choice);
    remember();
  };

  const hearError = (error: unknown): string => {
    const { code } = toRunnelError(error);
    if (code === 'not-found') offered.value = false;
    return code;
  };

  const send = async (): Promise<void> => {
    while (unsent.size > 0 && offered.value === true) {
      const [which, before] = [[...unsent], moves];
      try {
        await client.person.changeSettings(patchOf(settings, which));
      } catch (error) {
        hearError(error);
        // What a server does not take, it does not take the next time; the rest goes out with the next connection.
        if (REFUSED.has(toRunnelError(error).code)) for (const choice of which) unsent.delete(choice);
        return remember();
      }
      if (before === moves++) for (const choice of which) unsent.delete(choice);
      remember();
    }
  };
  const sendOnce = (): Promise<void> => (sending ??= send().finally(() => (sending = null)));

  /** Takes what other devices chose, and tells what was chosen here meanwhile. */
  const read = async (): Promise<void> => {
    claim();
    const before = moves;
    try {
      const found = choicesIn(await client.person.settings());
      offered.value = true;
      // A list that closes by another device's hand while somebody reads in it would be strange: only with the page.
      const mine = new Set<Choice>([...unsent, ...(before === moves ? [] : CHOICES), ...(first ? [] : (['sidebar'] as const))]);
      settings.take(Object.fromEntries(Object.entries(found).filter(([choice]) => !mine.has(choice as Choice))));
      first = false;
    } catch (error) {
      hearError(error);
    }
    await sendOnce();
  };

  for (const choice of CHOICES)
    watch(
      () => settings[choice],
      () => {
        if (settings.isTaking()) return;
        moves++;
        unsent.add(choice);
        claim();
        remember();
        void sendOnce();
      },
      { flush: 'sync' },
    );
  onScopeDispose(client.onList(({ change }) => void ((change === 'setting' || change === 'missed') && read())));

  /** Like `notices.attempt`, for what the server keeps of a person. */
  const attempt = async (action: () => Promise<unknown>): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (error) {
      const { code } = toRunnelError(error);
      // Of this conversation, or of all that people set?
      if (code === 'not-found') await read();
      const { t } = i18n.global;
      notices.say(offered.value === false ? t('own.older') : code === 'quota' ? t('own.full') : t(`error.${code}`));
      return false;
    }
  };

  return { offered, waits, read, attempt };
});
