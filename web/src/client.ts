import type { Client } from '@runnel/client';
import { inject, type InjectionKey } from 'vue';

export const clientKey: InjectionKey<Client> = Symbol('client');

/** The one client of the page. Components and stores get it here, tests provide another. */
export const useClient = (): Client => {
  const client = inject(clientKey);
  if (!client) throw new Error('No client was provided to the app.');
  return client;
};
