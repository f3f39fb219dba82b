/**
 * The viewers of a load run, in a process of their own: one lean socket per conversation, which follows it, may start a
 * counted run in it, and measures from the model's token (`chunk.t`) to the receipt. Driven by messages of the parent.
 */
import { randomUUID } from 'node:crypto';
import { answerParent } from './child.ts';
import { Histogram, type Quantiles } from './histogram.ts';
import { openLean, type LeanSocket } from './lean-socket.ts';

export interface LoadJob {
  ports: number[];
  sockets: number;
  /** The sockets are opened over this time, so that not all of them speak in the same millisecond. */
  rampMs: number;
  /** `count N at R` in each conversation, or null to sit there idle. */
  prompt: string | null;
}
export type LoadRequest = { kind: 'start'; job: LoadJob } | { kind: 'mark' } | { kind: 'report' };
export interface LoadReport {
  /** Since the last mark. */
  chunks: number;
  /** Chunk added latency, ms, from `t`, which is whole milliseconds: 0.5 ms too much on average. */
  latency: Quantiles;
  /** Since the last mark: prompt sent to first chunk received. */
  firstChunk: Quantiles;
  closed: number;
  /** Events that did not follow the one before: must be 0. */
  gaps: number;
  errors: string[];
  ended: number;
}

const CHUNK = Buffer.from('{"type":"chunk"');
const ENDED = Buffer.from('{"type":"run-ended"');
const ERROR = Buffer.from('{"type":"error"');
const LIVE = Buffer.from('{"type":"live"');
const OFFSET = Buffer.from('"offset":');
const FROM = Buffer.from(',"from":');
const TIME = Buffer.from(',"t":');
/** The fixed fields come first: names are looked for in the head of a frame only, never in a text. */
const HEAD_BYTES = 260;

const latency = new Histogram();
const firstChunk = new Histogram();
const counts = { chunks: 0, closed: 0, gaps: 0, ended: 0 };
const errors: string[] = [];

/** Server and viewer share the machine's clock; this one has more digits than Date.now(). */
const now = (): number => performance.timeOrigin + performance.now();

const numberAfter = (buffer: Buffer, name: Buffer, start: number, end: number): number | null => {
  const head = buffer.subarray(start, Math.min(end, start + HEAD_BYTES));
  const found = head.indexOf(name);
  if (found < 0) return null;
  let value = 0;
  for (let i = found + name.length; i < head.length; i++) {
    const digit = head[i]! - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
};

const startsWith = (buffer: Buffer, start: number, prefix: Buffer): boolean =>
  buffer.compare(prefix, 0, prefix.length, start, start + prefix.length) === 0;

const openViewer = async (job: LoadJob, index: number): Promise<void> => {
  const conversationId = randomUUID();
  let offset = 0;
  let askedAt = 0;
  let socket: LeanSocket | null = null;
  const onText = (buffer: Buffer, start: number, end: number): void => {
    if (startsWith(buffer, start, CHUNK)) {
      const at = now();
      if (askedAt > 0) {
        firstChunk.add(at - askedAt);
        askedAt = 0;
      }
      counts.chunks++;
      latency.add(at - (numberAfter(buffer, TIME, start, end) ?? at));
      const next = numberAfter(buffer, OFFSET, start, end) ?? 0;
      const from = numberAfter(buffer, FROM, start, end) ?? next;
      if (offset > 0 && from !== offset + 1) counts.gaps++;
      offset = next;
    } else if (startsWith(buffer, start, LIVE) && job.prompt !== null && offset === 0) {
      askedAt = now();
      socket?.send(JSON.stringify({ type: 'prompt', id: 'p', conversationId, messageId: randomUUID(), text: job.prompt }));
    } else if (startsWith(buffer, start, ENDED)) counts.ended++;
    else if (startsWith(buffer, start, ERROR) && errors.length < 5) errors.push(buffer.toString('utf8', start, end));
  };
  const port = job.ports[index % job.ports.length]!;
  try {
    socket = await openLean(port, `/ws/chat?user_id=load-${index}`, onText, () => counts.closed++);
    socket.send('{"type":"hello","protocol":1}');
    socket.send(JSON.stringify({ type: 'follow', id: 'f', conversationId }));
  } catch (error) {
    if (errors.length < 5) errors.push(String(error));
  }
};

const start = async (job: LoadJob): Promise<void> => {
  const from = performance.now();
  const opening: Promise<void>[] = [];
  for (let i = 0; i < job.sockets; i++) {
    const due = from + (job.rampMs * i) / job.sockets;
    if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, Math.max(1, due - performance.now())));
    opening.push(openViewer(job, i));
  }
  await Promise.all(opening);
};

const handle = async (request: LoadRequest): Promise<LoadReport | null> => {
  switch (request.kind) {
    case 'start':
      await start(request.job);
      return null;
    case 'mark':
      latency.reset();
      firstChunk.reset();
      counts.chunks = 0;
      return null;
    case 'report':
      return { ...counts, latency: latency.summary(), firstChunk: firstChunk.summary(), errors };
  }
};

answerParent(handle);
