import type { ClientFrame, ServerEvent } from '@runnel/protocol';

/** Callbacks of a transport. None is called after `closed`. */
export interface TransportListener {
  /** Frames can be sent from now on. */
  open(): void;
  event(event: ServerEvent): void;
  /** Bytes came that are no event (a heartbeat comment). */
  traffic(): void;
  /** Once, with the server's close code, or 1006 when something broke on the way. */
  closed(code: number): void;
}

/** One attempt to carry frames to a gateway and events back; never used again after it closed. */
export interface Transport {
  /** False when the frame cannot be taken now. */
  send(frame: ClientFrame): boolean;
  /** Lets go of everything at once; `closed` is not told. */
  close(): void;
}

export type OpenTransport = (listener: TransportListener) => Transport;

/** What a browser and Node's undici call a close without a close frame. */
export const ABNORMAL = 1006;

/** Reads one server event; null for what is none. */
export const parseEvent = (text: string): ServerEvent | null => {
  try {
    const value = JSON.parse(text) as { type?: unknown } | null;
    return typeof value === 'object' && value !== null && typeof value.type === 'string' ? (value as ServerEvent) : null;
  } catch {
    return null;
  }
};
