import { RunnelError, type ClientFrame, type ClientFrameOf, type ErrorEvent, type OkEvent, type ServerEvent } from '@runnel/protocol';
import type { Clock } from '../clock.ts';
import { errorFromWire } from './errors.ts';

/** Frames that are answered. Their content ids make them safe to send twice (W-4). */
export type CommandType = 'follow' | 'unfollow' | 'prompt' | 'regenerate' | 'cancel' | 'decide' | 'delete' | 'typing';
export type Command = { [K in CommandType]: Omit<ClientFrameOf<K>, 'id'> }[CommandType];

export interface RequestOptions {
  /** Time until the answer, disconnections included. */
  deadlineMs?: number;
  /** Default true: sent again, unchanged, on the next connection. False: rejected when this one is lost. */
  resend?: boolean;
}

export interface Requests {
  /**
   * Sends a command and waits for its `ok`. Rejects with the server's error; with `unavailable` when no answer came in time
   * or the client was closed; with `overloaded` when too many are open.
   */
  send(command: Command, options?: RequestOptions): Promise<OkEvent>;
  /** Takes an answer; false when the event is none of ours. */
  settle(event: ServerEvent): boolean;
  /** A new connection carries frames. */
  connected(): void;
  disconnected(): void;
  /** Somebody else speaks from now on: what is open was asked in another name and is never sent again. */
  forget(): void;
  close(): void;
}

export const REQUEST_DEADLINE_MS = 15_000;
/** More than a page ever asks at once, and far fewer than the thousand a gateway lets one socket wait for. */
export const MAX_OPEN_REQUESTS = 64;

interface Open {
  frame: ClientFrame;
  resend: boolean;
  resolve(ok: OkEvent): void;
  reject(error: RunnelError): void;
  cancel(): void;
}

export const createRequests = (options: { transmit: (frame: ClientFrame) => boolean; clock: Clock }): Requests => {
  const open = new Map<number, Open>();
  let lastId = 0;

  const take = (id: number): Open | undefined => {
    const request = open.get(id);
    request?.cancel();
    open.delete(id);
    return request;
  };
  const rejectAll = (message: string, which: (request: Open) => boolean): void => {
    for (const [id, request] of [...open]) if (which(request)) take(id)?.reject(new RunnelError('unavailable', message));
  };

  return {
    send: (command, { deadlineMs = REQUEST_DEADLINE_MS, resend = true } = {}) =>
      new Promise((resolve, reject) => {
        if (open.size >= MAX_OPEN_REQUESTS) return reject(new RunnelError('overloaded', 'Too many commands wait for an answer.'));
        const id = ++lastId;
        const frame: ClientFrame = { ...command, id };
        const cancel = options.clock.after(deadlineMs, () => take(id)?.reject(new RunnelError('unavailable', 'No answer in time.')));
        open.set(id, { frame, resend, resolve, reject, cancel });
        if (!options.transmit(frame) && !resend) take(id)?.reject(new RunnelError('unavailable', 'Not connected.'));
      }),
    settle(event) {
      if (event.type !== 'ok' && event.type !== 'error') return false;
      const request = typeof event.id === 'number' ? take(event.id) : undefined;
      if (!request) return false;
      if (event.type === 'ok') request.resolve(event);
      else request.reject(errorFromWire(event satisfies ErrorEvent));
      return true;
    },
    connected() {
      for (const { frame } of open.values()) options.transmit(frame);
    },
    disconnected: () => rejectAll('The connection was lost.', (request) => !request.resend),
    forget: () => rejectAll('Somebody else has signed in.', () => true),
    close: () => rejectAll('The client was closed.', () => true),
  };
};
