import { RunnelError, isFinal, type Part } from '@runnel/protocol';
import { systemClock, type Clock } from '../runs/clock.ts';
import type { InputForm } from '../asking/forms.ts';
import { toolKey, type Tool } from '../tools/toolbox.ts';
import type { AppendLoop } from './append-loop.ts';
import { readQuestion } from '../asking/ask-person.ts';
import type { Deciding } from '../tools/decisions.ts';
import type { RunJob } from './run-job.ts';
import { askAgain, askNow, goOnWith, isAsking, MOST_ROUNDS } from '../asking/tool-questions.ts';
import { newPartId, type Called } from './part-maker.ts';

const failed = (part: Part, code: string, message: string, now: number): Part => ({
  ...part,
  state: 'failed',
  error: { code, message: message.slice(0, 2_000) },
  endedAt: now,
});

type Input = { value: Record<string, unknown> } | { wrong: string };

/** The arguments as an object. Empty means none. Pure. */
const inputOf = (input: string | undefined, tool: Tool): Input => {
  let value: unknown;
  try {
    value = JSON.parse(input || '{}');
  } catch {
    return { wrong: 'The arguments are no JSON.' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { wrong: 'The arguments are no object.' };
  const wrong = tool.check(value);
  return wrong === null ? { value: value as Record<string, unknown> } : { wrong };
};

/** The step has ended: what it calls is judged before anybody is asked or anything is called. `isLast`: the model is not asked again. */
export const takeCalls = async (
  calls: readonly Called[],
  /** By `toolKey`. */
  tools: ReadonlyMap<string, Tool>,
  appends: AppendLoop,
  clock: Clock,
  isLast: boolean,
): Promise<void> => {
  const step = appends.standing().bytes;
  const judge = (part: Part, input: string): Part => {
    const now = clock.wall();
    if (isLast) return failed(part, 'step-limit', 'The answer has used as many steps as it may.', now);
    const tool = tools.get(toolKey(part));
    if (tool === undefined) return failed(part, 'unknown-tool', 'There is no tool of this name.', now);
    const read = inputOf(input, tool);
    if ('wrong' in read) return failed(part, 'bad-input', read.wrong, now);
    return { ...part, state: tool.policy === 'ask' ? 'waiting' : 'ready' };
  };
  const puts = calls.map(async ({ part, input }) => {
    if (part.kind === 'tool') {
      // Empty arguments are none: what is stored is what is shown and approved.
      if (input === '') void appends.say(part.partId, 'input', '{}');
      return appends.put(judge(part, input || '{}'), 'input', step);
    }
    return appends.put(asked({ ...part, index: appends.takeIndex() }, input, clock.wall(), isLast), null, step);
  });
  await Promise.all(puts);
};

const asked = (part: Part, input: string, now: number, isLast: boolean): Part => {
  const question = readQuestion(input);
  if (question === null || isLast) return { ...part, text: question?.text ?? '', state: 'dismissed', endedAt: now };
  return { ...part, ...question };
};

const mayBeMade = (part: Part, parts: readonly Part[]): boolean =>
  part.kind === 'tool' && (part.state === 'ready' || part.state === 'approved' || (part.state === 'running' && !isAsking(part, parts)));

/** Carries out the calls that may be made, side by side, until each is final or waits for a person. One that is approved meanwhile begins at once. */
export const settleCalls = async (
  job: RunJob,
  tools: ReadonlyMap<string, Tool>,
  appends: AppendLoop,
  signal: AbortSignal,
  { reread, decisions }: Deciding,
): Promise<void> => {
  const inFlight = new Map<string, Promise<void>>();
  let change = Promise.withResolvers<void>();
  const means: Means = { signal, reread, changed: () => change.promise };
  const left = new Set<string>();
  const begin = (part: Part): void => {
    const carried = carryOut(job, part, tools.get(toolKey(part)), appends, means).then(async (how) => {
      inFlight.delete(part.partId);
      if (how !== 'done') left.add(part.partId);
      if (how === 'changed') await reread();
    });
    inFlight.set(part.partId, carried);
  };
  for (;;) {
    const next = appends.parts.all.filter(
      (part) => mayBeMade(part, appends.parts.all) && !inFlight.has(part.partId) && !left.has(part.partId),
    );
    if (!signal.aborted) next.forEach(begin);
    if (inFlight.size === 0) return;
    await Promise.race([...inFlight.values(), decisions.next]);
    if (!decisions.take()) continue;
    await reread();
    change.resolve();
    change = Promise.withResolvers();
  }
};

interface Means {
  signal: AbortSignal;
  reread(): Promise<boolean>;
  /** Resolves when the parts were read again. */
  changed(): Promise<void>;
}

type Carried = 'done' | 'changed' | 'stopped';

const carryOut = async (job: RunJob, part: Part, tool: Tool | undefined, appends: AppendLoop, means: Means): Promise<Carried> => {
  const { tools, clock = systemClock, ref, claim } = job;
  const { signal } = means;
  const finish = async (next: Part, from: Part['state']): Promise<Carried> => {
    const how = await appends.put(next, from, isFinal(next) ? appends.pushedBytes : undefined);
    return how === 'stands' ? 'done' : how;
  };
  // Its owner died while it was being called, and nobody knows whether it acted.
  if (part.state === 'running' && !part.asks && (!tool?.repeatable || claim.recalled))
    return finish({ ...part, state: 'unknown' }, 'running');
  if (tool === undefined || tools === undefined)
    return finish(failed(part, 'unknown-tool', 'There is no such tool here.', clock.wall()), part.state);
  const input = inputOf(part.input, tool);
  if ('wrong' in input) return finish(failed(part, 'bad-input', input.wrong, clock.wall()), part.state);

  const further = part.asks && (await goOnWith(appends, part));
  if (further && 'part' in further) return finish(further.part, 'running');

  const { asks: _, ...asked } = part;
  const attempt = (part.attempt ?? 0) + 1;
  const running: Part = { ...asked, state: 'running', attempt, startedAt: part.asks ? (part.startedAt ?? clock.wall()) : clock.wall() };
  const begun = await finish(running, part.state);
  if (begun !== 'done') return begun;
  // Who was asked must not be asked again for what was done: the log alone may be lost with this pod.
  const stop = callSignal(signal, job.giveUp);
  const isAsked = part.approval?.decision === 'approved' || further !== undefined;
  if (isAsked && !tool.repeatable) await job.tellCall?.({ ...ref, userId: claim.userId, part: appends.parts.whole(running) }, stop);
  const span = job.observe?.calling?.(running);
  const result = await tools.call({
    tool,
    input: input.value,
    key: `${ref.runId}:${part.partId}`,
    attempt,
    signal: stop,
    permit: permitOf(job, signal),
    ...(further && { said: further.said }),
    ...(claim.request === undefined && { ask: (form: InputForm) => askNow(appends, running, form, { clock, ...means }) }),
    ...(span?.trace !== undefined && { trace: span.trace }),
  });
  span?.end(result.ok === false ? result.code : null);
  if (stopsCalls(signal) || job.giveUp.aborted) return 'stopped';
  if (result.ok === 'asks') {
    const isAnybody = claim.request === undefined;
    if (further && further.rounds >= MOST_ROUNDS)
      return finish(failed(running, 'tool-error', 'The tool asks on and on.', clock.wall()), 'running');
    return finish(await askAgain(appends, running, { ...result, rounds: further?.rounds ?? 0, isAnybody }), 'running');
  }
  const output = furtherOutput(part.output, result.output);
  if (output !== '') void appends.say(part.partId, 'output', output);
  if (!result.ok) return finish(failed(running, result.code, result.message, clock.wall()), 'running');
  const how = await finish({ ...running, state: 'done', endedAt: clock.wall() }, 'running');
  for (const source of result.sources) {
    await appends.put(
      { partId: newPartId(), index: appends.takeIndex(), at: appends.pushedBytes, kind: 'source', state: 'done', ...source },
      null,
    );
  }
  return how;
};

/** An attempt whose pod died may have brought its output and not its end: the same is not said again, and another stands on lines of its own. Pure. */
const furtherOutput = (held = '', output = ''): string => {
  if (held === '' || output === '') return output;
  return output.startsWith(held) ? output.slice(held.length) : `\n${output}`;
};

const LEASE_LOOK_MS = 20;

/** The store checked the epoch when `running` was written; the pod may have slept since, so its own clock is asked again (W-19). */
const permitOf =
  ({ clock = systemClock, giveUp, leaseUntil = () => Number.POSITIVE_INFINITY }: RunJob, signal: AbortSignal) =>
  async (): Promise<boolean> => {
    const isOver = (): boolean => stopsCalls(signal) || giveUp.aborted;
    while (clock.now() >= leaseUntil() && !isOver()) await clock.sleep(LEASE_LOOK_MS, giveUp);
    return !isOver();
  };

/** A drain lets a call that is under way come to its end: nobody else could know what became of it. */
const stopsCalls = (signal: AbortSignal): boolean => signal.aborted && signal.reason !== 'release';

const callSignal = (signal: AbortSignal, giveUp: AbortSignal): AbortSignal => {
  const stop = new AbortController();
  const look = (): void => {
    if (stopsCalls(signal)) stop.abort(new RunnelError('unavailable'));
  };
  signal.addEventListener('abort', look, { once: true });
  look();
  return AbortSignal.any([stop.signal, giveUp]);
};
