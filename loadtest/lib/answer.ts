import { sha256 } from 'k6/crypto';
import { Counter, Rate, Trend } from 'k6/metrics';
import { WebSocket } from 'k6/websockets';

/** Milliseconds from the model's first byte of a chunk to its arrival here (same machine, same clock). */
export const chunkAdded = new Trend('runnel_chunk_added', true);
/** Milliseconds from the prompt to the first word; the count model has its first word at once, so all of it is added. */
export const firstWord = new Trend('runnel_ttfb_added', true);
export const whole = new Rate('runnel_answers_whole');
export const answers = new Counter('runnel_answers');

export interface Ask {
  url: string;
  user: string;
  words: number;
  rate: number;
  /** Cuts the socket after so many bytes and resumes with the cursor; 0: never. */
  cutAfterBytes?: number;
  deadlineMs: number;
}

/** The fields of server events that this reader looks at. */
interface ServerEvent {
  type: string;
  conversationId?: string;
  logId?: string | null;
  offset?: number;
  from?: number;
  at?: number;
  t?: number;
  text?: string;
  sha256?: string;
  run?: { runId: string; text: string } | null;
}

interface Reader {
  logId: string | null;
  offset: number;
  runId: string | null;
  text: string;
  bytes: number;
  asked: number;
  cut: boolean;
  done: boolean;
}

let counter = 0;

/** Asks for a counted answer and reads it to its end, checking the order of offsets and the digest of the text. */
export const ask = (options: Ask): void => {
  const id = `k6-${__VU}-${Date.now()}-${counter++}`;
  const reader: Reader = { logId: null, offset: 0, runId: null, text: '', bytes: 0, asked: 0, cut: false, done: false };
  const finish = (ok: boolean): void => {
    if (reader.done) return;
    reader.done = true;
    whole.add(ok);
    answers.add(1);
  };
  const connect = (): void => {
    const socket = new WebSocket(`${options.url}/ws/chat?user_id=${options.user}`);
    const deadline = setTimeout(() => {
      finish(false);
      socket.close();
    }, options.deadlineMs);
    socket.onopen = () => {
      const send = (frame: object): void => socket.send(JSON.stringify(frame));
      send({ type: 'hello', protocol: 1, client: 'k6' });
      const cursor = reader.logId === null ? undefined : { logId: reader.logId, offset: reader.offset };
      send({ type: 'follow', id: 1, conversationId: id, cursor });
      if (reader.asked > 0) return;
      reader.asked = Date.now();
      send({
        type: 'prompt',
        id: 2,
        conversationId: id,
        messageId: `${id}-q`,
        model: 'count',
        text: `count ${options.words} at ${options.rate}`,
      });
    };
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(String(data)) as ServerEvent;
      const outcome = apply(reader, event, Date.now());
      if (outcome === 'failed') finish(false);
      if (outcome === 'ended') finish(sha256(reader.text, 'hex') === event.sha256);
      const cutNow = !reader.cut && options.cutAfterBytes && reader.bytes > options.cutAfterBytes;
      if (cutNow) reader.cut = true;
      if (!cutNow && !reader.done) return;
      clearTimeout(deadline);
      socket.onmessage = () => {};
      socket.close();
      if (cutNow && !reader.done) connect();
    };
    socket.onerror = () => {
      clearTimeout(deadline);
      finish(false);
    };
  };
  connect();
};

/** One server event, applied strictly: a hole or a repetition is a failure (W-8, W-9). */
const apply = (reader: Reader, event: ServerEvent, now: number): 'ok' | 'ended' | 'failed' => {
  if (event.type === 'error') return 'failed';
  if (event.type === 'snapshot') {
    reader.logId = event.logId ?? null;
    reader.offset = event.offset ?? 0;
    if (event.run) {
      reader.text = event.run.text;
      reader.bytes = reader.text.length;
      reader.runId = event.run.runId;
    }
    return 'ok';
  }
  if (event.conversationId === undefined || event.offset === undefined || event.type === 'live') return 'ok';
  if ((event.from ?? event.offset) !== reader.offset + 1) return 'failed';
  reader.offset = event.offset;
  reader.logId = event.logId ?? reader.logId;
  if (event.type === 'chunk') {
    if (event.at !== reader.bytes) return 'failed';
    if (reader.bytes === 0) firstWord.add(now - reader.asked);
    chunkAdded.add(now - (event.t ?? 0));
    reader.text += event.text ?? '';
    // The count model speaks ASCII: characters are bytes.
    reader.bytes = reader.text.length;
  }
  return event.type === 'run-ended' ? 'ended' : 'ok';
};
