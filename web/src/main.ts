import { createClient, type Client } from '@runnel/client';
import { createPage } from './app.ts';
import { BASE } from './lib/session/base.ts';
import { pageName } from './lib/session/page-name.ts';
import { recall } from './composables/offline/recall.ts';
import { speak } from './i18n.ts';
import { firstLocale } from './stores/settings.ts';
import { readerOf } from './lib/session/reader.ts';
import { createTokenHolder } from './lib/session/token-holder.ts';

/** With `AUTH_MODE=dev`, `?user_id=` names the user, so that two browsers can be one person. */
const userId = new URLSearchParams(location.search).get('user_id');

/** Null where the browser forbids storage. */
const storageOf = (get: () => Storage): Storage | null => {
  try {
    return get();
  } catch {
    return null;
  }
};
/** Keeps unsent prompts over a reload. */
const storage = storageOf(() => localStorage);
const session = storageOf(() => sessionStorage);
const tokens = createTokenHolder(session);

/** Whose page this is while no server can say so. */
const reader = (): string | null => userId ?? readerOf(tokens.held.value);
const presumed = reader();

const client: Client = createClient({
  url: location.origin + BASE,
  name: 'web',
  list: true,
  page: pageName(session),
  // None: a cookie or a proxy in front may speak for the reader.
  token: tokens.get,
  ...(storage && { storage }),
  ...(presumed !== null && { reader: presumed }),
  kept: (conversationId) => recall(client, reader, conversationId),
  ...(userId !== null && { userId }),
});
// Its words first: a page that changes its language under the reader's eyes looks broken.
void speak(firstLocale()).then(() => createPage(client, tokens).mount('#app'));
