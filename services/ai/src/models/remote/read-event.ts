import { RunnelError } from '@runnel/protocol';

/** The `data` of one event as an object, whose fields nobody has checked. @throws RunnelError `unavailable` */
export const readEvent = (data: string): object => {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Below, like any other value that is no object.
  }
  throw unreadable();
};

export const unreadable = (): RunnelError => new RunnelError('unavailable', 'The answer of the model cannot be read.');
