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
  /** Reads like a phone in a tunnel: this long for every message. Its own times are left out of the figures. */
  slowMs?: number;
  deadlineMs: number;
}

let counter = 0;

/** Asks for a counted answer and reads it to its end, checking the order of offsets and the digest of the text. */
export const ask = (options: Ask): void => {
  const { slowMs = 0 } = options;
  const id = `k6-${__VU}-${Date.now()}-${counter++}`;
  const reader = emptyReader();
  let asked = 0;
  let cancelAsked = 0;
  let cut = false;
  let done = false;
  const finish = (ok: boolean): void => {
    if (done) return;
    done = true;
    whole.add(ok);
    answers.add(1);
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
      if (asked > 0) return;
      asked = Date.now();
      const text = `count ${options.words} at ${options.rate}`;
      send({ type: 'prompt', id: 2, conversationId: id, messageId: `${id}-q`, runId: `${id}-a`, model: 'count', text });
    };

    socket.onmessage = ({ data }) => {
      if (slowMs > 0) sleep(slowMs / 1000);
      const event = JSON.parse(String(data)) as ServerEvent;
      const now = Date.now();
      if (event.type === 'live' && cut && reader.logId !== null) resumed.add(now - followed);
      const isFirst = event.type === 'chunk' && reader.bytes === 0;
      const outcome = apply(reader, event);
      if (outcome === 'failed') finish(false);
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
        send({ type: 'cancel', id: 3, conversationId: id, runId: `${id}-a` });
      }
      if (done) return leave();
      if (options.cutAfterBytes !== undefined && reader.bytes > options.cutAfterBytes) cutNow();
    };
    socket.onerror = () => {
      clearTimeout(deadline);
      finish(false);
    };
  };
  connect();
};
