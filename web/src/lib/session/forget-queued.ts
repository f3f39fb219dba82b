import { storedName } from './base.ts';

/** Of packages/client, whose outbox keeps each prompt that is not sent yet under a name of its own. */
const PREFIX = storedName('runnel.outbox.');

/** Removes every prompt that waits to be sent, of whoever wrote it. */
export const forgetQueued = (storage: Storage = localStorage): void => {
  for (const name of Array.from({ length: storage.length }, (_, i) => storage.key(i))) {
    if (name?.startsWith(PREFIX)) storage.removeItem(name);
  }
};
