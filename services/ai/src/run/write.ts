import { closePart, isFinal, isWaiting, type Finish, type RunnelError, type Usage } from '@runnel/protocol';
import { systemClock } from '../runs/clock.ts';
import type { Tool } from '../tools/toolbox.ts';
import { ANSWER_BYTES } from './answer-bytes.ts';
import type { Asked } from './asked.ts';
import type { AppendLoop } from './append-loop.ts';
import { settleCalls, takeCalls } from './calls.ts';
import type { RunJob } from './generate.ts';
import { ASK_SPEC } from './ask-person.ts';
import { PartMaker } from './part-maker.ts';
import { readStep, type Step } from './read-step.ts';
import { continuation, isCall, stepsOf } from './thread.ts';

export interface Written {
  usage: Usage | null;
  finish: Finish;
  /** Why the model stopped early; null when it finished or was stopped. */
  error: RunnelError | null;
  /** Parts that people have to decide before it goes on. */
  waiting?: string[];
}

export const MAX_STEPS = 8;

/**
 * Writes an answer: asks the model, carries out what it calls, tells it the results, until it calls nothing more (or has asked often
 * enough), a person is needed, or the run is stopped. Begins wherever the parts that stand say.
 */
export const write = async (
  job: RunJob,
  asked: Asked,
  appends: AppendLoop,
  signal: AbortSignal,
  reread: () => Promise<boolean>,
): Promise<Written> => {
  const { model, tools, clock = systemClock, maxSteps = MAX_STEPS, maxAnswerBytes = ANSWER_BYTES } = job;
  let usage: Usage | null = null;
  let finish: Finish = 'stop';
  if (signal.aborted) return { usage, finish, error: null };
  if (asked.error) return { usage, finish: 'error', error: asked.error };
  await closeLeft(appends, clock.wall());
  const offered = tools && !signal.aborted ? await tools.list(signal) : [];
  const byName = new Map(offered.map((tool): [string, Tool] => [tool.spec.name, tool]));
  for (;;) {
    const open = appends.parts.all.filter((part) => isCall(part) && !isFinal(part));
    if (open.length > 0) {
      await settleCalls(job, open, byName, appends, signal, reread);
      if (signal.aborted) return { usage, finish, error: null };
      const waiting = appends.parts.all.filter((part) => isCall(part) && isWaiting(part)).map(({ partId }) => partId);
      if (waiting.length > 0) return { usage, finish, error: null, waiting };
      continue;
    }
    const parts = appends.parts.all;
    const step = stepsOf(parts);
    if (step >= maxSteps) return { usage, finish: 'tools', error: null };
    const specs = offered.length > 0 ? [...offered.map(({ spec }) => spec), ASK_SPEC] : [];
    const { messages, prefix } = continuation(asked.messages, appends.whole, parts);
    const maker = new PartMaker(appends, clock, { tools: byName, step, room: maxAnswerBytes });
    const request = { model: model.model, ...asked, messages, prefix, ...(specs.length > 0 && { tools: specs }) };
    const said: Step = await readStep(job, request, appends, maker, signal);
    usage = sum(usage, said.usage);
    finish = said.finish;
    await appends.flush();
    const isOver = said.error !== null || signal.aborted || said.calls.length === 0 || offered.length === 0;
    if (isOver) return { usage, finish, error: said.error };
    finish = 'tools';
    await takeCalls(said.calls, byName, appends, clock, step + 1 >= maxSteps);
  }
};

/** What an owner that died left half said is closed; calls that were made or asked for stay. */
const closeLeft = async (appends: AppendLoop, now: number): Promise<void> => {
  const left = appends.parts.all.filter((part) => part.state === 'open' || part.state === 'input');
  await Promise.all(left.map((part) => appends.put(closePart(part, 'interrupted', now), part.state)));
};

const sum = (a: Usage | null, b: Usage | null): Usage | null => {
  if (a === null || b === null) return a ?? b;
  return { promptTokens: a.promptTokens + b.promptTokens, completionTokens: a.completionTokens + b.completionTokens };
};
