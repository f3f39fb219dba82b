import { isId } from '@runnel/protocol';
import type { Outgoing } from './wire-event.ts';
import type { Knowledge } from './poll-schedule.ts';

const RUN_TYPES: ReadonlySet<string> = new Set(['run-started', 'chunk', 'part', 'part-chunk', 'run-moved']);

/** What this node knows of the run in a conversation, and who waits for its end. */
export class RunKnowledge {
  knowledge: Knowledge = 'unknown';
  /** A run that has begun and has no text yet: it may wait for a pod. */
  unwritten: { runId: string; since: number } | null = null;
  #noted = 0;
  readonly #waiting = new Map<string, Set<() => void>>();

  /** An event of the log, from the channel or from a read; seeing one twice or late is harmless. */
  note(event: Outgoing): void {
    if (event.type === 'run-ended') this.#ended(event);
    if (event.offset <= this.#noted) return;
    this.#noted = event.offset;
    if (event.type === 'run-started') this.#wait(runIdOf(event));
    else if (RUN_TYPES.has(event.type) || event.type === 'run-ended') this.unwritten = null;
    if (RUN_TYPES.has(event.type)) this.knowledge = 'running';
    // Who waits for a person costs nothing.
    else if (event.type === 'run-ended' || event.type === 'run-waiting') this.knowledge = 'idle';
  }

  /** A snapshot says it all. */
  set({ running, readTo, unwritten }: { running: boolean; readTo: number; unwritten: string | null }): void {
    this.knowledge = running ? 'running' : 'idle';
    this.#wait(unwritten);
    this.#noted = readTo;
  }

  /** Another log begins. */
  reset(): void {
    this.knowledge = 'unknown';
    this.unwritten = null;
    this.#noted = 0;
  }

  /** Resolves true at `run-ended` of the run, false after the deadline. */
  end(runId: string, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(runId) ?? new Set();
      this.#waiting.set(runId, waiting);
      const settle = (saw: boolean) => {
        clearTimeout(timer);
        waiting.delete(seen);
        if (waiting.size === 0) this.#waiting.delete(runId);
        resolve(saw);
      };
      const seen = () => settle(true);
      const timer = setTimeout(() => settle(false), deadlineMs);
      waiting.add(seen);
    });
  }

  #wait(runId: string | null): void {
    if (runId === null) this.unwritten = null;
    else if (this.unwritten?.runId !== runId) this.unwritten = { runId, since: performance.now() };
  }

  #ended(event: Outgoing): void {
    if (this.#waiting.size === 0) return;
    const runId = runIdOf(event);
    if (runId === null) return;
    for (const seen of [...(this.#waiting.get(runId) ?? [])]) seen();
  }
}

/** Only for rare events. */
const runIdOf = ({ bytes }: Outgoing): string | null => {
  const { runId } = JSON.parse(bytes.toString()) as { runId?: unknown };
  return isId(runId) ? runId : null;
};
