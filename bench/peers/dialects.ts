import { conversationOf, runOf, USER, wordAt } from './words.ts';

/** One viewer's memory: what it needs to come back, and the last word it has. */
export interface Viewer {
  index: number;
  word: number;
  /** Cursor, epoch or session of the system. */
  logId: string | null;
  offset: number | string;
  /** It was cut and is coming back. */
  returning: boolean;
  send(text: string): void;
  /** Words `first`…`last` came, made at `t` (ms since the epoch). */
  words(first: number, last: number, t: number): void;
  /** The follow stands: what comes now is live. */
  live(): void;
  failed(what: string): void;
}

/** How a system's clients speak, in as little code as measuring them allows. */
export interface Dialect {
  path: string;
  opened(viewer: Viewer): void;
  /** One text frame; the payload lies in `buffer` from `start` to `end`. */
  text(viewer: Viewer, buffer: Buffer, start: number, end: number): void;
  /** Whether a viewer that comes back is given what it missed. */
  recovers: boolean;
}

export type DialectName = 'runnel' | 'floor' | 'socket.io' | 'centrifugo';

const after = (text: string, name: string): number => {
  const at = text.indexOf(name);
  return at < 0 ? -1 : Number.parseInt(text.slice(at + name.length, at + name.length + 16), 10);
};

/** Runnel's chunk, and the floor's. */
const chunk = (viewer: Viewer, frame: string): void => {
  const at = after(frame, '"at":');
  const from = frame.indexOf('"text":"') + 8;
  const bytes = frame.indexOf('"', from) - from;
  viewer.words(wordAt(at) + 1, wordAt(at + bytes), after(frame, '"t":'));
};

const runnel = (prompt: string | null): Dialect => ({
  path: `/ws/chat?user_id=${USER}`,
  recovers: true,
  opened(viewer) {
    const conversationId = conversationOf(viewer.index);
    const cursor = viewer.logId === null ? undefined : { logId: viewer.logId, offset: viewer.offset };
    viewer.send('{"type":"hello","protocol":1}');
    viewer.send(JSON.stringify({ type: 'follow', id: 1, conversationId, cursor }));
    if (prompt === null || viewer.returning) return;
    const ids = { conversationId, messageId: `m-${viewer.index}`, runId: runOf(viewer.index) };
    viewer.send(JSON.stringify({ type: 'prompt', id: 2, ...ids, model: 'count', text: prompt }));
  },
  text(viewer, buffer, start, end) {
    const frame = buffer.toString('latin1', start, end);
    const offset = after(frame, '"offset":');
    if (offset > 0) viewer.offset = offset;
    if (frame.startsWith('{"type":"chunk"')) return chunk(viewer, frame);
    const event = JSON.parse(frame) as { type: string; logId?: string | null; code?: string; run?: { text: string } | null };
    if (event.logId) viewer.logId = event.logId;
    // A snapshot holds every word up to now: none of them is lost, none is counted as delivered.
    if (event.type === 'snapshot') viewer.word = Math.max(viewer.word, wordAt(event.run?.text.length ?? 0));
    else if (event.type === 'live') viewer.live();
    else if (event.type === 'error') viewer.failed(String(event.code));
  },
});

const floor = (channelOf: (index: number) => string): Dialect => ({
  path: '/',
  recovers: false,
  opened(viewer) {
    viewer.send(channelOf(viewer.index));
    viewer.live();
  },
  text: (viewer, buffer, start, end) => chunk(viewer, buffer.toString('latin1', start, end)),
});

const counted = (viewer: Viewer, frame: string): void => {
  const n = after(frame, '"n":');
  viewer.words(n, n, after(frame, '"t":'));
};

const socketIo: Dialect = {
  path: '/socket.io/?EIO=4&transport=websocket',
  recovers: true,
  opened: () => undefined,
  text(viewer, buffer, start, end) {
    const frame = buffer.toString('latin1', start, end);
    if (frame.startsWith('42["chunk"')) {
      counted(viewer, frame);
      const last = frame.lastIndexOf(',"');
      if (frame.endsWith('"]')) viewer.offset = frame.slice(last + 2, -2);
    } else if (frame === '2') viewer.send('3');
    else if (frame.startsWith('0')) {
      viewer.send(viewer.logId === null ? '40' : `40${JSON.stringify({ pid: viewer.logId, offset: viewer.offset })}`);
    } else if (frame.startsWith('40')) {
      const { pid } = JSON.parse(frame.slice(2)) as { pid: string };
      if (pid !== viewer.logId) viewer.send(`42${JSON.stringify(['follow', conversationOf(viewer.index)])}`);
      viewer.logId = pid;
      viewer.live();
    }
  },
};

const centrifugo: Dialect = {
  path: '/connection/websocket',
  recovers: true,
  opened: (viewer) => viewer.send('{"id":1,"connect":{}}'),
  text(viewer, buffer, start, end) {
    for (const frame of buffer.toString('latin1', start, end).split('\n')) {
      if (frame.startsWith('{"push":{"channel":"chat:') && frame.includes('"pub":')) {
        counted(viewer, frame);
        viewer.offset = after(frame.slice(frame.lastIndexOf('"offset":')), '"offset":');
      } else if (frame === '{}') viewer.send('{}');
      else if (frame !== '') reply(viewer, frame);
    }
  },
};

interface CentrifugoReply {
  id?: number;
  error?: { message: string };
  subscribe?: { epoch: string; offset?: number; recovered?: boolean; publications?: { data: { n: number; t: number }; offset: number }[] };
}

const reply = (viewer: Viewer, frame: string): void => {
  const { id, error, subscribe } = JSON.parse(frame) as CentrifugoReply;
  if (error) viewer.failed(error.message);
  else if (id === 1) {
    const recovery = viewer.logId === null ? {} : { recover: true, epoch: viewer.logId, offset: viewer.offset };
    viewer.send(JSON.stringify({ id: 2, subscribe: { channel: `chat:${conversationOf(viewer.index)}`, ...recovery } }));
  } else if (subscribe) {
    viewer.logId = subscribe.epoch;
    for (const { data, offset } of subscribe.publications ?? []) {
      viewer.words(data.n, data.n, data.t);
      viewer.offset = offset;
    }
    viewer.offset = Math.max(Number(viewer.offset), subscribe.offset ?? 0);
    viewer.live();
  }
};

export const dialectOf = (name: DialectName, prompt: string | null, channelOf: (index: number) => string): Dialect => {
  switch (name) {
    case 'runnel':
      return runnel(prompt);
    case 'floor':
      return floor(channelOf);
    case 'socket.io':
      return socketIo;
    case 'centrifugo':
      return centrifugo;
  }
};
