import { storedName } from '../../lib/session/base.ts';

/** Name of the browser's database. */
export const KEPT_FILES = storedName('runnel-files');

/** Whether the browser may have files of an earlier page: asked before anything is loaded for them. */
export const mayHaveKeptFiles = async (): Promise<boolean> => {
  try {
    return (await indexedDB.databases()).some(({ name }) => name === KEPT_FILES);
  } catch {
    // Forbidden, or an old browser: nothing is kept then.
    return false;
  }
};
