import type { ServerResponse } from 'node:http';
import type { Drainable } from '../connections/drain.ts';
import type { Hub } from '../follow/hub.ts';
import { drained } from '../http/plumbing/event-stream.ts';
import { Answer } from './answer.ts';

/** Where an answer's words go: an event stream, or one request of a socket. */
export interface Outlet {
  /** Resolves when there is room for more. */
  ready(): Promise<void>;
  write(event: object): void;
  /** Everything has been said. */
  end(): void;
  /** The rest does not come from here: the client is to come back. */
  break(): void;
}

/** What a dialect tells of an answer. */
export type Told = Pick<Answer, 'text' | 'parts' | 'waiting' | 'restarts' | 'end' | 'history' | 'parentId'>;

/** Words of a dialect: what to say to a reader who was told `sent`. Pure. */
export interface Encoder<S> {
  fresh: S;
  /** It tells of the conversation too. */
  withHistory?: boolean;
  /** `isOver`: there is no more to tell, though the answer has not ended. */
  encode(sent: S, answer: Told): { events: object[]; sent: S; isOver?: boolean };
}

export interface FeedPlace {
  conversationId: string;
  userId: string;
  runId: string;
}

/** One run's answer told in a dialect, to its end. Whatever came since the reader last had room is one event; a slow reader costs a string. */
export class AnswerFeed<S> implements Drainable {
  readonly #hub: Hub;
  readonly #place: FeedPlace;
  readonly #outlet: Outlet;
  readonly #encoder: Encoder<S>;
  readonly #answer: Answer;
  #left = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(hub: Hub, place: FeedPlace, encoder: Encoder<S>, outlet: Outlet) {
    this.#encoder = encoder;
    this.#hub = hub;
    this.#place = place;
    this.#outlet = outlet;
    this.#answer = new Answer(place.runId, encoder.withHistory);
  }

  get open(): boolean {
    return !this.#left && !this.#over;
  }

  get busy(): boolean {
    return this.open;
  }

  /** These protocols have no word for it: the connection breaks, and the client resumes elsewhere. */
  announce(reconnectInMs: number): void {
    this.#timer ??= setTimeout(() => this.close(), reconnectInMs);
  }

  /** Stops telling; the run goes on. */
  close(): void {
    if (!this.open) return;
    this.#left = true;
    this.#answer.touch();
    this.#outlet.break();
  }

  /** Resolves when the answer has been told, or nobody listens any more. `startedAt`: offset of `run-started`, where it is known. */
  async run(startedAt?: number): Promise<void> {
    const { fresh, encode } = this.#encoder;
    const { conversationId, userId } = this.#place;
    const answer = this.#answer;
    const follow = this.#hub.follow({ conversationId, userId, cursor: null, sink: answer });
    if (startedAt !== undefined) answer.started(startedAt);
    let sent = fresh;
    try {
      while (!this.#left) {
        await this.#outlet.ready();
        if (this.#left) return;
        const { end } = answer;
        const next = encode(sent, answer);
        ({ sent } = next);
        for (const event of next.events) this.#outlet.write(event);
        if (end || next.isOver) break;
        if (next.events.length === 0) await answer.next();
      }
      if (this.#left) return;
      this.#over = true;
      this.#outlet.end();
    } finally {
      clearTimeout(this.#timer);
      follow.close();
    }
  }
}

/** An event stream as an outlet; `last` is written before its end. */
export const sseOutlet = (raw: ServerResponse, last = ''): Outlet => ({
  ready: () => drained(raw),
  write: (event) => void raw.write(`data: ${JSON.stringify(event)}\n\n`),
  end: () => void raw.end(last),
  break: () => void raw.destroy(),
});
