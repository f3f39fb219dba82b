import { inject, type InjectionKey } from 'vue';
import type { TokenHolder } from './lib/session/token-holder.ts';

export const tokensKey: InjectionKey<TokenHolder> = Symbol('tokens');

/** The access token of this tab. */
export const useTokens = (): TokenHolder => {
  const tokens = inject(tokensKey);
  if (!tokens) throw new Error('No token holder was provided to the app.');
  return tokens;
};
