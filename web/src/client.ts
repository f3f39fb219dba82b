import type { Client } from '@runnel/client';
import { inject, type InjectionKey } from 'vue';
import type { TokenHolder } from './lib/token-holder.ts';

export const clientKey: InjectionKey<Client> = Symbol('client');
export const tokensKey: InjectionKey<TokenHolder> = Symbol('tokens');

/** The one client of the page. Components and stores get it here, tests provide another. */
export const useClient = (): Client => {
  const client = inject(clientKey);
  if (!client) throw new Error('No client was provided to the app.');
  return client;
};

/** The access token of this tab. */
export const useTokens = (): TokenHolder => {
  const tokens = inject(tokensKey);
  if (!tokens) throw new Error('No token holder was provided to the app.');
  return tokens;
};
