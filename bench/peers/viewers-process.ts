/** The viewers, in a process of their own: lean sockets that speak each system's dialect and check every word. */
import { channelOf } from '@runnel/coordination';
import { answerParent } from '../child.ts';
import { Histogram, type Quantiles } from '../histogram.ts';
import { openLean, type LeanSocket } from '../lean-socket.ts';
import { dialectOf, type Dialect, type DialectName, type Viewer } from './dialects.ts';
import { conversationOf } from './words.ts';

export interface ViewersJob {
  dialect: DialectName;
  port: number;
  /** Conversations, numbered from `first`, and viewers of each. */
  first: number;
  conversations: number;
  each: number;
  rampMs: number;
  /** Runnel's whole path: each viewer asks for its own answer. */
  prompt: string | null;
}
export type ViewersRequest =
  | { kind: 'open'; job: ViewersJob }
  | { kind: 'mark' }
  | { kind: 'report' }
  /** All sockets break in this moment and come back at once. Resolves when all of them stand again, or `patienceMs` is over. */
  | { kind: 'storm'; patienceMs: number };
export interface ViewersReport {
  /** Since the last mark. */
  frames: number;
  latency: Quantiles;
  /** Since the beginning. */
  lost: number;
  repeated: number;
  standing: number;
  /** Of the last storm: until the last one stood again. */
  stormMs: number;
  errors: string[];
}

const latency = new Histogram();
const counts = { frames: 0, lost: 0, repeated: 0 };
const errors: string[] = [];
const viewers: { viewer: Viewer; socket: LeanSocket | null; dialect: Dialect; port: number; standing: boolean }[] = [];
let stormMs = 0;

const note = (error: unknown): void => void (errors.length < 5 && errors.push(String(error)));

const makeViewer = (index: number, place: number): Viewer => ({
  index,
  word: 0,
  logId: null,
  offset: 0,
  returning: false,
  send: (text) => viewers[place]!.socket?.send(text),
  words(first, last, t) {
    counts.frames++;
    if (!this.returning) latency.add(Date.now() - t);
    if (last <= this.word) counts.repeated += last - first + 1;
    // Who comes to an answer that is being written begins where it is.
    else if (this.word > 0) counts.lost += Math.max(0, first - this.word - 1);
    this.word = Math.max(this.word, last);
  },
  live() {
    viewers[place]!.standing = true;
    this.returning = false;
  },
  failed: note,
});

const connect = async (place: number): Promise<void> => {
  const entry = viewers[place]!;
  const { viewer, dialect, port } = entry;
  try {
    let life: LeanSocket | null = null;
    const onText = (buffer: Buffer, start: number, end: number): void => {
      // What is still in a socket that was cut is not seen by anybody.
      if (life === null || entry.socket === life) dialect.text(viewer, buffer, start, end);
    };
    life = await openLean(
      port,
      dialect.path,
      onText,
      () => undefined,
      (socket) => (entry.socket = socket),
    );
    dialect.opened(viewer);
  } catch (error) {
    note(error);
  }
};

const open = async ({ dialect: name, port, first, conversations, each, rampMs, prompt }: ViewersJob): Promise<void> => {
  const dialect = dialectOf(name, prompt, (index) => channelOf(conversationOf(index)));
  const silent = dialectOf(name, null, (index) => channelOf(conversationOf(index)));
  const from = performance.now();
  const opening: Promise<void>[] = [];
  for (let i = 0; i < conversations * each; i++) {
    const due = from + (rampMs * i) / (conversations * each);
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, Math.max(1, due - performance.now())));
    const place = viewers.length;
    const asks = i < conversations ? dialect : silent;
    viewers.push({ viewer: makeViewer(first + (i % conversations), place), socket: null, dialect: asks, port, standing: false });
    opening.push(connect(place));
  }
  await Promise.all(opening);
};

const storm = async (patienceMs: number): Promise<void> => {
  const from = performance.now();
  for (const entry of viewers) {
    entry.standing = false;
    entry.viewer.returning = true;
    entry.socket?.destroy();
    entry.socket = null;
  }
  await Promise.all(viewers.map((_, place) => connect(place)));
  while (viewers.some(({ standing }) => !standing) && performance.now() - from < patienceMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stormMs = performance.now() - from;
};

const handle = async (request: ViewersRequest): Promise<ViewersReport> => {
  if (request.kind === 'open') await open(request.job);
  else if (request.kind === 'storm') await storm(request.patienceMs);
  else if (request.kind === 'mark') {
    latency.reset();
    counts.frames = 0;
  }
  const standing = viewers.filter((entry) => entry.standing).length;
  return { ...counts, latency: latency.summary(), standing, stormMs: Math.round(stormMs), errors };
};

answerParent(handle);
