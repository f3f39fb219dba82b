import type { Client } from '@runnel/client';
import { inject, type InjectionKey } from 'vue';

/** `app.provide(clientKey, createClient(…))`. */
export const clientKey: InjectionKey<Client> = Symbol('runnel client');

/** The one client of the app. Throws where none was provided. */
export const useClient = (): Client => {
  const client = inject(clientKey);
  if (!client) throw new Error('No client was provided to the app.');
  return client;
};
