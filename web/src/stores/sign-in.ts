import type { ConnectionState, SignInWay } from '@runnel/client';
import { toRunnelError } from '@runnel/protocol';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, onScopeDispose, ref, shallowRef } from 'vue';
import { i18n } from '../i18n.ts';
import { useAttachments } from './attachments.ts';
import { useNotices } from './notices.ts';
import { useTokens } from '../tokens.ts';
import { claimDrafts, forgetDrafts } from '../composables/draft.ts';
import { BASE } from '../lib/session/base.ts';
import { forgetOwn } from '../lib/own/stored.ts';
import { forgetReader, readerOf } from '../lib/session/reader.ts';
import { forgetQueued } from '../lib/session/forget-queued.ts';
import { newsOf, readToken, signInHref, takeResult, type SignInNews } from '../lib/session/sign-in.ts';

/** Whether an answer means: nobody is signed in, or not any more. */
const isForNobody = (code: string | undefined): boolean => code === 'unauthorized' || code === 'token-expired';

/** Who may use this page: whether somebody must sign in first, and how. */
export const useSignIn = defineStore('sign-in', () => {
  const client = useClient();
  const tokens = useTokens();
  /** Until somebody is let in: a try, which may fail, does not show the chat for a moment. */
  const needed = ref(false);
  const news = ref<SignInNews>('fresh');
  const trying = ref(false);
  const way = shallowRef<SignInWay | null>(null);
  /** The server has been asked for the way, with or without success. */
  const asked = ref(false);
  /** What became of the sign-in that this page has come back from; null: there was none, or it worked. */
  const { result, href: clean } = takeResult(location.href);
  if (result !== null) history.replaceState(history.state, '', clean);
  let user: string | null = null;
  /** Whose conversations may stand on the screen without a server having said so. */
  const presumed = client.connection.get().userId ?? readerOf(tokens.held.value);
  /** The server itself signs people in, with a cookie. */
  const signsIn = computed(() => way.value?.mode === 'oidc');
  const held = computed(() => tokens.held.value || (signsIn.value && !needed.value));

  const ask = async (): Promise<void> => {
    // Where this call fails, as behind a proxy that lets nobody ask, a token can still be tried.
    way.value ??= await client.signInWay().catch(() => null);
    asked.value = true;
  };

  const refused = (): void => {
    forgetReader();
    news.value = newsOf({ pasted: trying.value, known: user !== null || tokens.held.value, kept: signsIn.value });
    // It was not accepted, or is not any more: the next try starts clean.
    tokens.forget();
    trying.value = false;
    needed.value = true;
    void ask();
  };

  const welcome = (userId: string | null): void => {
    if (userId !== null) claimDrafts(userId);
    // The page's memory is full of what the one before has read: a new page has none of it.
    const before = user ?? presumed;
    if (before !== null && userId !== null && userId !== before) {
      forgetReader();
      forgetOwn();
      return location.assign(BASE + location.search);
    }
    user = userId ?? user;
    trying.value = false;
    needed.value = false;
    // Now, since a proxy in front may not let the question through when the session has ended.
    if (!asked.value) void ask();
  };

  const hear = ({ status, error, userId }: ConnectionState): void => {
    if (status === 'live') welcome(userId);
    else if (status === 'refused' && isForNobody(error?.code)) refused();
  };

  /** A call over HTTP failed, which a socket that is still open may not know of. */
  const hearError = (error: unknown): void => {
    if (isForNobody(toRunnelError(error).code)) refused();
  };

  const signIn = (pasted: string): void => {
    const token = readToken(pasted);
    trying.value = true;
    if (token === null) return refused();
    tokens.set(token);
    if (client.connection.get().status !== 'live') return client.reconnect();
    void client.archive.me().then(({ userId }) => welcome(userId), hearError);
  };

  const notOut = (error: unknown): void => {
    if (isForNobody(toRunnelError(error).code)) return refused();
    const { t } = i18n.global;
    // It stays until they have tried again: the next person at this screen would be them.
    useNotices().offer(t('signIn.stillIn'), t('signIn.out'), () => void signOut());
  };

  const signOut = async (): Promise<void> => {
    tokens.forget();
    forgetDrafts();
    forgetOwn();
    await useAttachments().clear();
    // Also what still waits to be sent: the next person at this screen must not read it.
    forgetQueued();
    forgetReader();
    await (await import('../composables/offline/kept-store.ts')).forgetKept();
    if (!signsIn.value) return location.assign(BASE);
    // A cookie that no script reads is ended by the server; without it one is still signed in, so the page says so instead of leaving.
    await client.signOut().then((url) => location.assign(url !== null && /^https?:/.test(url) ? url : BASE), notOut);
  };

  hear(client.connection.get());
  onScopeDispose(client.connection.subscribe(hear));

  /** Where to sign in, with the way back to `here`; null: by a token. */
  const href = (here: Location): string | null => (way.value?.url ? signInHref(way.value.url, here) : null);
  const byName = computed(() => way.value?.mode === 'dev');

  return { needed, news, trying, asked, byName, result, href, signIn, signOut, hearError, held, signsIn };
});
