import type { Redis } from 'ioredis';

const CR = 13;
const LF = 10;
const [AGGREGATES, MAPS, BLOBS] = ['*~>', '%|', '$=!'].map((types) => new Set(Buffer.from(types))) as [
  Set<number>,
  Set<number>,
  Set<number>,
];
/** How RESP3 begins a message of a sharded channel; the channel's length and the payload's follow. */
const MESSAGE = Buffer.from('>3\r\n$8\r\nsmessage\r\n$');

/** The number of a header line from `at`, and where the line ends; null while it is not whole. */
const readNumber = (data: Buffer, at: number): { value: number; end: number } | null => {
  const end = data.indexOf(LF, at);
  return end < 0 ? null : { value: Number(data.toString('latin1', at, end - 1)), end: end + 1 };
};

/** Where the RESP value that begins at `at` ends; -1 while it is not whole. */
export const endOfReply = (data: Buffer, at: number): number => {
  const type = data[at];
  const line = readNumber(data, at + 1);
  if (type === undefined || line === null) return -1;
  if (BLOBS.has(type)) {
    const end = line.value < 0 ? line.end : line.end + line.value + 2;
    return end <= data.length ? end : -1;
  }
  const parts = AGGREGATES.has(type) ? line.value : MAPS.has(type) ? line.value * 2 : 0;
  let end = line.end;
  for (let part = 0; part < parts && end >= 0; part++) end = endOfReply(data, end);
  return end;
};

/** Digits up to a carriage return, without a detour through a string: this is done twice a message. */
const readLength = (data: Buffer, at: number): number => {
  let length = 0;
  for (let i = at; ; i++) {
    const byte = data[i];
    if (byte === undefined) return -1;
    if (byte === CR) return length;
    length = length * 10 + byte - 48;
  }
};
const digits = (length: number): number => (length < 10 ? 1 : length < 100 ? 2 : length < 1000 ? 3 : String(length).length);

export interface PushReaderEvents {
  /** The payload is the listener's own. */
  message(channel: string, bytes: Buffer): void;
  /** Whole replies of any other kind, or what cannot be told apart. */
  other(data: Buffer): void;
}

/**
 * Takes the messages of sharded channels out of a subscriber's stream and leaves every other reply to the client. The client's
 * own decoder handles every reply type, which costs time for each chunk (docs/performance-hot-path.md).
 */
export const createPushReader = ({ message, other }: PushReaderEvents): ((data: Buffer) => void) => {
  let rest: Buffer | undefined;

  /** Where the message that begins here ends; 0 when it is something else, -1 while it is not whole. */
  const readMessage = (data: Buffer, at: number): number => {
    const head = Math.min(MESSAGE.length, data.length - at);
    for (let i = 0; i < head; i++) if (data[at + i] !== MESSAGE[i]) return 0;
    const channelAt = at + MESSAGE.length;
    const channelLength = head < MESSAGE.length ? -1 : readLength(data, channelAt);
    if (channelLength < 0) return -1;
    const channelFrom = channelAt + digits(channelLength) + 2;
    // Behind the channel: CR LF $
    const payloadAt = channelFrom + channelLength + 3;
    const payloadLength = readLength(data, payloadAt);
    if (payloadLength < 0) return -1;
    const from = payloadAt + digits(payloadLength) + 2;
    const end = from + payloadLength + 2;
    if (end > data.length) return -1;
    // A copy: what a slow reader holds must not hold the whole packet.
    const payload = Buffer.allocUnsafe(payloadLength);
    data.copy(payload, 0, from, end - 2);
    message(data.toString('latin1', channelFrom, channelFrom + channelLength), payload);
    return end;
  };

  return (arrived) => {
    const data = rest === undefined ? arrived : Buffer.concat([rest, arrived]);
    rest = undefined;
    let at = 0;
    while (at < data.length) {
      let end = readMessage(data, at);
      if (end === 0) {
        end = endOfReply(data, at);
        if (end > 0) other(data.subarray(at, end));
      }
      if (end < 0) {
        rest = Buffer.from(data.subarray(at));
        return;
      }
      at = end;
    }
  };
};

type DataListener = (data: Buffer) => void;

/** Puts the reader between the socket and the client, on this connection and on every one after it. */
export const tapMessages = (redis: Redis, message: PushReaderEvents['message']): void => {
  redis.on('connect', () => {
    const { stream } = redis;
    const [client] = stream.listeners('data') as DataListener[];
    if (client === undefined) return;
    stream.off('data', client);
    // First, as the client's own listener was: its watch over silence looks at what that one has settled.
    stream.prependListener('data', createPushReader({ message, other: client }));
  });
};
