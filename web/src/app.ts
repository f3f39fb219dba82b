import type { Client } from '@runnel/client';
import { clientKey } from '@runnel/vue';
import { createPinia } from 'pinia';
import { createApp, type App as VueApp } from 'vue';
import App from './App.vue';
import { i18n } from './i18n.ts';
import type { TokenHolder } from './lib/session/token-holder.ts';
import { tokensKey } from './tokens.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/prose.css';
import './styles/first.css';
import './styles/media.css';

/** The page over any client: the real one, or a scripted one in tests. */
export const createPage = (client: Client, tokens: TokenHolder): VueApp =>
  createApp(App).use(createPinia()).use(i18n).provide(clientKey, client).provide(tokensKey, tokens);
