import { RunnelError } from '@runnel/protocol';
import type { ChannelListener, ReadStateQuery, RunLog } from '@runnel/coordination';

/** A run log whose channel and reads a test can break. */
export interface FaultyLog extends RunLog {
  /** What happens to a published event on its way to the followers. */
  channel: 'whole' | 'dead';
  /** Asked for each event of a whole channel: true loses it. */
  loses: () => boolean;
  reads: 'fine' | 'unavailable';
  /** Runs before each read is passed on; a promise holds it up. */
  beforeRead: (query: ReadStateQuery) => void | Promise<void>;
  subscribes: 'fine' | 'unavailable';
  /** What was asked, in order: `follow`, `read`. */
  readonly calls: string[];
  /** The channel is dead, and known to be. */
  cut(): void;
  /** The channel is whole again, and says so. */
  heal(): void;
}

export const faultyLog = (log: RunLog): FaultyLog => {
  const listeners = new Set<ChannelListener>();
  const faulty: FaultyLog = {
    ...log,
    channel: 'whole',
    loses: () => false,
    reads: 'fine',
    beforeRead: () => {},
    subscribes: 'fine',
    calls: [],
    cut() {
      faulty.channel = 'dead';
      for (const listener of listeners) listener.interrupted?.();
    },
    heal() {
      faulty.channel = 'whole';
      for (const listener of listeners) listener.resubscribed();
    },
    async follow(conversationId, listener) {
      if (faulty.subscribes === 'unavailable') throw new RunnelError('unavailable');
      const subscription = await log.follow(conversationId, {
        message: (bytes) => {
          if (faulty.channel === 'whole' && !faulty.loses()) listener.message(bytes);
        },
        resubscribed: () => listener.resubscribed(),
      });
      listeners.add(listener);
      faulty.calls.push('follow');
      return {
        close: async () => {
          listeners.delete(listener);
          await subscription.close();
        },
      };
    },
    async readState(query) {
      faulty.calls.push('read');
      await faulty.beforeRead(query);
      if (faulty.reads === 'unavailable') throw new RunnelError('unavailable');
      return log.readState(query);
    },
  };
  return faulty;
};
