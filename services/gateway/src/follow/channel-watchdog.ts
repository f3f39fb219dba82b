import { pollDelay } from './poll-schedule.ts';
import type { RunKnowledge } from './run-knowledge.ts';

export interface SilenceDeps {
  run: Pick<RunKnowledge, 'knowledge'>;
  /** Whether the channel stands, as far as anybody said. */
  subscribed(): boolean;
  random: () => number;
}

/** A channel can die without an error. This keeps the time after which silence on it triggers a read of the log. */
export class ChannelWatchdog {
  readonly #deps: SilenceDeps;
  /** A message arrived since the last tick; the tick restarts the timer, so that a chunk does not pay for it. */
  #heard = false;
  /** `performance.now()` of the next read. */
  #pollAt = Infinity;
  /** Polls in a row that found nothing. */
  #quiet = 0;
  /** The channel is down, or a poll found what it had not brought and it has been silent since. */
  #deaf = false;

  constructor(deps: SilenceDeps) {
    this.#deps = deps;
  }

  isOver(now: number): boolean {
    this.#settle();
    return now >= this.#pollAt;
  }

  /** Begins anew: something was heard or read. */
  restart(): void {
    this.#heard = false;
    this.#pollAt = performance.now() + this.#delay();
  }

  /** Something must come within this time. */
  atMost(ms: number): void {
    this.#settle();
    this.#pollAt = Math.min(this.#pollAt, performance.now() + ms);
  }

  /** The channel brings what is new. */
  heard(): void {
    this.#deaf = false;
    this.#quiet = 0;
    this.#heard = true;
  }

  /** The channel is known to be down. One that breaks again and again must not put the polls off. */
  cut(): void {
    this.#deaf = true;
    this.atMost(this.#delay());
  }

  /** The channel is whole again. */
  healed(): void {
    this.#deaf = false;
  }

  /** A poll was answered; `found`: it brought what the channel had not. */
  polled(found: boolean): void {
    this.#deaf ||= found;
    this.#quiet = found ? 0 : this.#quiet + 1;
  }

  #settle(): void {
    if (this.#heard) this.restart();
  }

  #delay(): number {
    const { run, subscribed, random } = this.#deps;
    return pollDelay({ run: run.knowledge, deaf: this.#deaf || !subscribed(), quiet: this.#quiet, random: random() });
  }
}
