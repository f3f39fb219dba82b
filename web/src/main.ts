import { createClient } from '@runnel/client';
import { createPage } from './app.ts';

/** With `AUTH_MODE=dev`, `?user_id=` names the user, so that two browsers can be one person. */
const userId = new URLSearchParams(location.search).get('user_id');

/** Keeps unsent prompts over a reload; null where the browser forbids storage. */
const storage = ((): Storage | null => {
  try {
    return localStorage;
  } catch {
    return null;
  }
})();

const client = createClient({ url: location.origin, name: 'web', ...(storage && { storage }), ...(userId !== null && { userId }) });
createPage(client).mount('#app');
