import { sleep } from 'k6';
import { sha256 } from 'k6/crypto';
import { Counter, Rate, Trend } from 'k6/metrics';
import { WebSocket } from 'k6/websockets';
import { apply, emptyReader, type ServerEvent } from './reader.ts';

/** Milliseconds from the model's first byte of a chunk to its arrival here (same machine, same clock). */
export const chunkAdded = new Trend('runnel_chunk_added', true);
/** Milliseconds from the prompt to the first word; the count model has its first word at once, so all of it is added. */
export const firstWord = new Trend('runnel_ttfb_added', true);
/** Milliseconds from the follow of a new socket to the text being complete again up to now. */
export const resumed = new Trend('runnel_resume', true);
/** Milliseconds from the wish to cancel to the end of the run. */
export const cancelled = new Trend('runnel_cancel', true);
/** Milliseconds for which a reader had no word of an answer that was under way. */
export const pause = new Trend('runnel_pause', true);
/** Readers that were sent elsewhere, or lost their socket, and came back. */
export const moved = new Counter('runnel_moved');
export const whole = new Rate('runnel_answers_whole');
export const answers = new Counter('runnel_answers');

export interface Ask {
  url: string;
  user: string;
  words: number;
  rate: number;
  /** Cuts the socket once so many bytes are there and resumes with the cursor. */
  cutAfterBytes?: number;
  /** Cuts it at this time instead (ms since the epoch), with everybody else. */
  cutAt?: number;
  /** Cancels once so many bytes are there; what was read must be what is kept. */
  cancelAfterBytes?: number;
  /** A turn of a conversation that goes on, instead of the first of a new one. */
  turn?: { conversationId: string; messageId: string; parentId: string | null };
  /** The servers may send it elsewhere or drop it: it comes back with its cursor. What it waited for a word is `runnel_pause`. */
  moves?: boolean;
  /** Reads like a phone in a tunnel: this long for every message. Its own times are left out of the figures. */
  slowMs?: number;
  deadlineMs: number;
}

let counter = 0;

/** Asks for a counted answer and reads it to its end, checking the order of offsets and the digest of the text. */
export const ask = (options: Ask): void => {
  const { slowMs = 0, moves = false } = options;
  const fresh = `k6-${__VU}-${Date.now()}-${counter++}`;
  const { conversationId: id, messageId, parentId } = options.turn ?? { conversationId: fresh, messageId: `${fresh}-q`, parentId: null };
  const runId = `${messageId}-a`;
  const reader = emptyReader();
  let asked = 0;
  let cancelAsked = 0;
  let cut = false;
  let done = false;
  let lastWord = 0;
  const giveUpAt = Date.now() + options.deadlineMs;
  /** What waits to come back, so that it does so once. */
  let comesBack: ReturnType<typeof setTimeout> | undefined;
  const finish = (ok: boolean): void => {
    if (done) return;
    done = true;
    whole.add(ok);
    answers.add(1);
  };
  const again = (): void => {
    if (done || comesBack !== undefined) return;
    if (Date.now() >= giveUpAt) return finish(false);
    moved.add(1);
    // Not all in the same moment.
    comesBack = setTimeout(
      () => {
        comesBack = undefined;
        connect();
      },
      50 + Math.random() * 150,
    );
  };

  const connect = (): void => {
    const socket = new WebSocket(`${options.url}/ws/chat?user_id=${options.user}`);
    const send = (frame: object): void => socket.send(JSON.stringify(frame));
    let followed = 0;
    let cutTimer: ReturnType<typeof setTimeout> | undefined;
    const deadline = setTimeout(() => {
      finish(false);
      socket.close();
    }, options.deadlineMs);
    const leave = (): void => {
      clearTimeout(deadline);
      if (cutTimer !== undefined) clearTimeout(cutTimer);
      // What still happens to this socket is nobody's failure.
      socket.onmessage = () => {};
      socket.onerror = () => {};
      socket.onclose = () => {};
      socket.close();
    };
    const cutNow = (): void => {
      if (cut || done) return;
      cut = true;
      leave();
      connect();
    };

    socket.onopen = () => {
      send({ type: 'hello', protocol: 1, client: 'k6' });
      const cursor = reader.logId === null ? undefined : { logId: reader.logId, offset: reader.offset };
      followed = Date.now();
      send({ type: 'follow', id: 1, conversationId: id, cursor });
      if (options.cutAt !== undefined && !cut) cutTimer = setTimeout(cutNow, Math.max(0, options.cutAt - Date.now()));
      if (asked > 0 && !(moves && reader.bytes === 0)) return;
      // Sent again with the same ids it is the same prompt.
      asked ||= Date.now();
      const text = `count ${options.words} at ${options.rate}`;
      send({ type: 'prompt', id: 2, conversationId: id, messageId, runId, parentId, model: 'count', text });
    };

    socket.onmessage = ({ data }) => {
      if (slowMs > 0) sleep(slowMs / 1000);
      const event = JSON.parse(String(data)) as ServerEvent;
      const now = Date.now();
      if (event.type === 'live' && cut && reader.logId !== null) resumed.add(now - followed);
      const isFirst = event.type === 'chunk' && reader.bytes === 0;
      if (moves && event.type === 'error') {
        leave();
        return again();
      }
      const outcome = apply(reader, event);
      if (outcome === 'failed') finish(false);
      if (event.type === 'chunk') {
        if (moves && lastWord > 0) pause.add(now - lastWord);
        lastWord = now;
      }
      if (event.type === 'chunk' && outcome === 'ok' && slowMs === 0) {
        if (isFirst) firstWord.add(now - asked);
        // A chunk that was read again after a cut was late by the cut, not by the server.
        if ((event.t ?? 0) >= followed) chunkAdded.add(now - (event.t ?? 0));
      }
      if (outcome === 'ended') {
        if (cancelAsked > 0 && slowMs === 0) cancelled.add(now - cancelAsked);
        finish(sha256(reader.text, 'hex') === event.sha256);
      }
      if (options.cancelAfterBytes !== undefined && cancelAsked === 0 && reader.bytes > options.cancelAfterBytes && !done) {
        cancelAsked = Date.now();
        send({ type: 'cancel', id: 3, conversationId: id, runId });
      }
      if (done) return leave();
      if (options.cutAfterBytes !== undefined && reader.bytes > options.cutAfterBytes) cutNow();
    };
    const broken = (): void => {
      clearTimeout(deadline);
      if (moves) again();
      else finish(false);
    };
    socket.onerror = broken;
    if (moves) socket.onclose = broken;
  };
  connect();
};
