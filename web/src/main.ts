import { createClient, type Client } from '@runnel/client';
import { createPage } from './app.ts';
import { BASE, pathIn } from './lib/session/base.ts';
import { parseRoute } from './lib/session/route.ts';
import { pageName } from './lib/session/page-name.ts';
import { loadMarkdown } from './composables/markdown.ts';
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

// A conversation is drawn with the parser: it comes while the page is made, not after.
if (parseRoute(pathIn(location.pathname)).conversationId !== null) void loadMarkdown();

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
/** The socket and the parser are on their way before the page is made, which keeps this thread for as long as they need. */
const afterAsking = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
// Its words first: a page that changes its language under the reader's eyes looks broken.
void speak(firstLocale())
  .then(afterAsking)
  .then(() => createPage(client, tokens).mount('#app'));
