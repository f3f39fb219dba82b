import { newId } from '@runnel/protocol';
import { storedName } from './base.ts';

const KEY = storedName('runnel:page');

/** A name for this tab that stays over its reloads. A new one each time where nothing can be kept. */
export const pageName = (session: Pick<Storage, 'getItem' | 'setItem'> | null): string => {
  try {
    const known = session?.getItem(KEY);
    if (known) return known;
    const name = newId();
    session?.setItem(KEY, name);
    return name;
  } catch {
    return newId();
  }
};
