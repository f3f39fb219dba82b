import { storedName } from '../session/base.ts';

/** Choices that have not reached the server, of one person; on the device. */
export const UNSENT = storedName('runnel:settings-unsent');
/** Names of open folders; in the tab. */
export const OPEN_FOLDERS = storedName('runnel:folders');

/** Nothing of what one person set is left for the next at this device. */
export const forgetOwn = (): void => {
  try {
    localStorage.removeItem(UNSENT);
    sessionStorage.removeItem(OPEN_FOLDERS);
  } catch {
    // No storage: nothing is left.
  }
};
