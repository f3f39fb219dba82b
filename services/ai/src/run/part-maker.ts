import { randomBytes } from 'node:crypto';
import type { Part } from '@runnel/protocol';
import type { Clock } from '../runs/clock.ts';
import type { CallDelta, Source } from '../models/provider.ts';
import type { Tool } from '../tools/toolbox.ts';
import type { AppendLoop } from './append-loop.ts';
import { fittingText } from './answer-bytes.ts';

/** Of one answer; the store takes a few more, for what ends it. */
const MOST_PARTS = 240;
/** Of the arguments of one call. */
const MOST_INPUT = 256 * 1024;

/** Unique in the conversation; never the provider's, which repeat. */
export const newPartId = (): string => `p-${randomBytes(12).toString('base64url')}`;

/** A tool that asks the person: offered beside all others, carried out by nobody. */
export const ASK_PERSON = 'ask_person';

/** A call the model has made: its part (a question has its index only when it is put), and its arguments as far as they have come. */
export interface Called {
  part: Part;
  input: string;
}

/**
 * Makes parts of what a model says beside its text in one step, in order with the text. A thought ends where anything else begins.
 */
export class PartMaker {
  readonly #appends: AppendLoop;
  readonly #clock: Clock;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #step: number;
  readonly #own: boolean;
  readonly #asks: boolean;
  #thought: Part | null = null;
  #room: number;
  readonly #calls = new Map<string, Called>();

  /**
   * `room`: bytes that all of this may grow to. `own`: the tools are the caller's own, and nobody here knows them. `asks`: there is a person
   * who can be asked.
   */
  constructor(
    appends: AppendLoop,
    clock: Clock,
    options: { tools: ReadonlyMap<string, Tool>; step: number; room: number; own?: boolean; asks?: boolean },
  ) {
    this.#appends = appends;
    this.#clock = clock;
    this.#tools = options.tools;
    this.#step = options.step;
    this.#own = options.own ?? false;
    this.#asks = options.asks ?? false;
    this.#room = options.room;
  }

  think(said: string): Promise<void> | undefined {
    const text = this.#fitting(said);
    if (text === '' || (this.#thought === null && this.#isFull)) return undefined;
    if (this.#thought === null) {
      this.#thought = this.#make(this.#appends.takeIndex(), { kind: 'reasoning', state: 'open', startedAt: this.#clock.wall() });
      void this.#appends.put(this.#thought, null);
    }
    return this.#appends.say(this.#thought.partId, 'text', text);
  }

  /** Text, a call or the end of the step: the thought before it is whole. */
  endThought(): void {
    if (this.#thought === null) return;
    void this.#appends.put({ ...this.#thought, state: 'done', endedAt: this.#clock.wall() }, 'open');
    this.#thought = null;
  }

  call(delta: CallDelta): Promise<void> | undefined {
    // Nothing was offered, so there is nothing that it could call.
    if (this.#tools.size === 0 && !this.#own) return undefined;
    this.endThought();
    const known = this.#calls.get(delta.key) ?? this.#begin(delta);
    if (known === null) return undefined;
    const input = fittingText(this.#fitting(delta.input), MOST_INPUT - known.input.length);
    known.input += input;
    // A question comes whole: its text stands in the part.
    return known.part.kind === 'tool' ? this.#appends.say(known.part.partId, 'input', input) : undefined;
  }

  source({ url, title, snippet }: Source): void {
    this.endThought();
    if (this.#isFull) return;
    void this.#appends.put(
      this.#make(this.#appends.takeIndex(), { kind: 'source', state: 'done', url, title, ...(snippet !== undefined && { snippet }) }),
      null,
    );
  }

  /** The step is over: its calls, in order. */
  end(): Called[] {
    this.endThought();
    return [...this.#calls.values()];
  }

  get #isFull(): boolean {
    return this.#appends.begunParts >= MOST_PARTS;
  }

  #fitting(text: string): string {
    const fits = fittingText(text, this.#room);
    this.#room -= Buffer.byteLength(fits);
    return fits;
  }

  #begin({ key, id, name = '' }: CallDelta): Called | null {
    if (this.#isFull) return null;
    const tool = this.#tools.get(name);
    const asks = name === ASK_PERSON && this.#asks;
    const part = this.#make(asks ? -1 : this.#appends.takeIndex(), {
      kind: asks ? 'question' : 'tool',
      state: asks ? 'waiting' : 'input',
      step: this.#step,
      callId: id ?? key,
      ...(!asks && { name: tool?.name ?? name }),
      ...(tool && { server: tool.server, approval: { policy: tool.policy } }),
      ...(tool?.title !== undefined && { title: tool.title }),
    });
    const called = { part, input: '' };
    this.#calls.set(key, called);
    if (!asks) void this.#appends.put(part, null);
    return called;
  }

  #make(index: number, fields: Omit<Part, 'partId' | 'index' | 'at'>): Part {
    return { partId: newPartId(), index, at: this.#appends.pushedBytes, ...fields };
  }
}
