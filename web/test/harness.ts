import { createPage } from '../src/app.ts';
import { speak } from '../src/i18n.ts';
import { firstLocale } from '../src/stores/settings.ts';
import { createTokenHolder } from '../src/lib/session/token-holder.ts';
import { createMarkdown } from '../src/lib/markdown/markdown.ts';
import { chain, createFakeClient, message, type FakeClient } from './fake-client.ts';
import { scenes } from './scenes.ts';

declare global {
  interface Window {
    /** For tests: the client behind the page, what builds its states, and what needs a real DOM. */
    runnel: { client: FakeClient; message: typeof message; chain: typeof chain; createMarkdown: typeof createMarkdown };
  }
}

const client = createFakeClient();
window.runnel = { client, message, chain, createMarkdown };

// The harness is a file of its own; the page reads the address for its conversation.
const query = new URLSearchParams(location.search);
const scene = query.get('scene') ?? 'home';
query.delete('scene');
const id = scenes[scene]?.(client) ?? null;
const path = id === null ? '/' : id.startsWith('/') ? id : `/c/${id}`;
history.replaceState(null, '', query.size === 0 ? path : `${path}?${query.toString()}`);

await speak(firstLocale());
createPage(client, createTokenHolder(sessionStorage)).mount('#app');
