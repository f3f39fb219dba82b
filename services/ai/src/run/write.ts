import { closePart, isFinal, isWaiting, type Finish, type Part, type RunnelError, type Usage } from '@runnel/protocol';
import type { SignedThought, ToolSpec } from '../models/provider.ts';
import { systemClock } from '../runs/clock.ts';
import { toolKey, type Tool } from '../tools/toolbox.ts';
import { ANSWER_BYTES } from './answer-bytes.ts';
import { goOnFrom, type Asked } from './asked.ts';
import type { AppendLoop } from './append-loop.ts';
import { settleCalls, takeCalls } from './calls.ts';
import type { RunJob } from './run-job.ts';
import { ASK_SPEC } from '../asking/ask-person.ts';
import type { Deciding } from '../tools/decisions.ts';
import { PartMaker, type Called } from './part-maker.ts';
import { readStep, type Step } from './read-step.ts';
import { isToolQuestion, orphanQuestions } from '../asking/tool-questions.ts';
import { continuation, isCall, stepsOf } from './thread.ts';
import { estimateUsage, sumUsage } from './usage.ts';

export interface Written {
  usage: Usage | null;
  finish: Finish;
  /** Why the model stopped early; null when it finished or was stopped. */
  error: RunnelError | null;
  /** Parts that people have to decide before it goes on. */
  waiting?: string[];
}

const NO_USAGE: Usage = { promptTokens: 0, completionTokens: 0 };
/** Requests to the model in one answer. */
export const MAX_STEPS = 8;

/**
 * Writes an answer: asks the model, carries out what it calls, tells it the results, until it calls nothing more (or has asked often
 * enough), a person is needed, or the run is stopped. Begins wherever the parts that stand say.
 */
export const write = async (job: RunJob, asked: Asked, appends: AppendLoop, signal: AbortSignal, deciding: Deciding): Promise<Written> => {
  const { model, clock = systemClock, maxSteps = MAX_STEPS, maxAnswerBytes = ANSWER_BYTES } = job;
  let usage: Usage | null = null;
  let finish: Finish = 'stop';
  // Nobody is asked.
  if (signal.aborted) return { usage: NO_USAGE, finish, error: null };
  if (asked.error) return { usage, finish: 'error', error: asked.error };
  await closeLeft(appends, clock.wall());
  // A caller's own tools stay the only ones of its request.
  const own = (asked.params?.tools ?? []).length > 0;
  if (own && appends.parts.all.some((part) => isCall(part) && part.state === 'done')) return { usage, finish: 'tools', error: null };
  const { known, offered, specs } = own ? NOTHING : await toolsOf(job, appends.parts.all, signal);
  const byName = new Map(offered.map((tool): [string, Tool] => [tool.spec.name, tool]));
  /** Of the steps that were said here: another owner asks without them. */
  const signed = new Map<number, readonly SignedThought[]>();
  for (;;) {
    if (appends.parts.all.some((part) => isCall(part) && !isFinal(part))) {
      await settleCalls(job, known, appends, signal, deciding);
      if (signal.aborted) return { usage: usage ?? NO_USAGE, finish, error: null };
      const waiting = appends.parts.all
        .filter((part) => (isCall(part) || isToolQuestion(part)) && isWaiting(part))
        .map(({ partId }) => partId);
      if (waiting.length > 0) return { usage: usage ?? NO_USAGE, finish, error: null, waiting };
      continue;
    }
    // Calls that a dead owner left half said are nothing that the caller's model has heard of.
    const parts = own ? [] : appends.parts.all;
    const step = stepsOf(parts);
    if (step >= maxSteps) return { usage: usage ?? NO_USAGE, finish: 'tools', error: null };
    const { messages, prefix } = goOnFrom(continuation(asked.messages, appends.whole, parts, signed), model);
    const maker = new PartMaker(appends, clock, { tools: byName, step, room: maxAnswerBytes, own, asks: specs.includes(ASK_SPEC) });
    const bytesBefore = appends.standing().bytes;
    const request = { model: model.model, ...asked, messages, prefix, ...(specs.length > 0 && { tools: specs }) };
    const said: Step = await readStep(job, request, appends, maker, signal);
    signed.set(step, said.signed);
    finish = said.finish;
    await appends.flush();
    if (own && said.error === null && !signal.aborted && said.calls.length > 0) {
      await handOver(said.calls, appends, clock.wall());
      return { usage: sumOf(usage, said.usage), finish: 'tools', error: null };
    }
    const isOver = said.error !== null || signal.aborted || said.calls.length === 0 || offered.length === 0;
    const estimate = (): Usage => estimateUsage(messages, appends.standing().bytes - bytesBefore);
    // Of the only request, whoever ends the run knows better what stood at a cancel.
    if (isOver) return { usage: usage === null ? said.usage : sumUsage(usage, said.usage ?? estimate()), finish, error: said.error };
    usage = sumOf(usage, said.usage ?? estimate());
    finish = 'tools';
    await takeCalls(said.calls, known, appends, clock, step + 1 >= maxSteps);
  }
};

interface Means {
  /** All tools, by `toolKey`: a call that is open may be of one that is not offered any more. */
  known: ReadonlyMap<string, Tool>;
  offered: readonly Tool[];
  /** What the model is told that it may call. */
  specs: readonly ToolSpec[];
}

const NOTHING: Means = { known: new Map(), offered: [], specs: [] };
/** Providers take 128 functions at most. */
const MOST_OFFERED = 127;

/** What this run may use. In an API's request nobody can be asked, so only what needs nobody is offered there. */
const toolsOf = async ({ tools, model, claim }: RunJob, parts: readonly Part[], signal: AbortSignal): Promise<Means> => {
  const open = parts.filter((part) => isCall(part) && !isFinal(part));
  if (tools === undefined || signal.aborted || (!model.info.tools && open.length === 0)) return NOTHING;
  const all = await tools.list(signal, new Set(open.flatMap(({ server }) => server ?? [])));
  const isApi = claim.request !== undefined;
  const fitting = model.info.tools ? all.filter(({ policy }) => !isApi || policy === 'never').slice(0, MOST_OFFERED) : [];
  const specs = fitting.map(({ spec }) => spec);
  return {
    known: new Map(all.map((tool): [string, Tool] => [toolKey(tool), tool])),
    offered: fitting,
    specs: isApi || specs.length === 0 ? specs : [...specs, ASK_SPEC],
  };
};

/** Calls of the caller's own tools: whole, and the caller's to carry out. */
const handOver = async (calls: readonly Called[], appends: AppendLoop, now: number): Promise<void> => {
  const step = appends.standing().bytes;
  const puts = calls.map(({ part, input }) => {
    if (input === '') void appends.say(part.partId, 'input', '{}');
    return appends.put({ ...part, state: 'done', endedAt: now }, 'input', step);
  });
  await Promise.all(puts);
};

/** What an owner that died left half said is closed; calls that were made or asked for stay. */
const closeLeft = async (appends: AppendLoop, now: number): Promise<void> => {
  const left = appends.parts.all.filter((part) => part.state === 'open' || part.state === 'input');
  left.push(...orphanQuestions(appends.parts.all));
  await Promise.all(left.map((part) => appends.put(closePart(part, 'interrupted', now), part.state)));
};

const sumOf = (a: Usage | null, b: Usage | null): Usage | null => (a === null || b === null ? (a ?? b) : sumUsage(a, b));
