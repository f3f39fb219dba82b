import { parentPort, workerData } from 'node:worker_threads';
import { WebSocket } from 'ws';

/** How late chunks were between two looks, in milliseconds from the model's byte (`t`) to a reader. */
export interface Lateness {
  chunks: number;
  p99: number;
  most: number;
  /** The same of a timer in this idle thread: how long the machine lets anybody wait for its turn in these seconds. */
  timerP99: number;
}
export type ListenerWord = { word: 'follows' } | { word: 'closed' } | ({ word: 'late' } & Lateness);

/**
 * A reader with a thread of its own: the attacker's is busy attacking, and would find every chunk late. Says `late` whenever it is asked,
 * for what came since it was asked before.
 */
const { url, conversationId } = workerData as { url: string; conversationId: string };
const tell = (word: ListenerWord): void => parentPort!.postMessage(word);
let late: number[] = [];
let timers: number[] = [];
const TICK_MS = 10;
let due = performance.now() + TICK_MS;
setInterval(() => {
  const now = performance.now();
  timers.push(Math.max(0, now - due));
  due = now + TICK_MS;
}, TICK_MS);
const p99 = (values: readonly number[]): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1] ?? Infinity);
const socket = new WebSocket(url, { perMessageDeflate: false });
socket.on('open', () => {
  socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
  socket.send(JSON.stringify({ type: 'follow', conversationId }));
});
socket.on('error', () => undefined);
socket.on('close', () => tell({ word: 'closed' }));
socket.on('message', (data: Buffer) => {
  const event = JSON.parse(data.toString()) as { type: string; t?: number };
  if (event.type === 'chunk') late.push(Math.max(0, Date.now() - event.t!));
  if (event.type === 'live') tell({ word: 'follows' });
});
parentPort!.on('message', () => {
  tell({ word: 'late', chunks: late.length, p99: p99(late), most: Math.max(0, ...late), timerP99: p99(timers) });
  late = [];
  timers = [];
});
