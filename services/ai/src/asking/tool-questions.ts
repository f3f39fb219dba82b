import { isFinal, isWaiting, type Part } from '@runnel/protocol';
import { MOST_ASK_MS } from './open-call.ts';
import { judgeForm, questionOf, type FormAnswer, type InputForm } from './forms.ts';
import type { Call } from '../tools/toolbox.ts';
import type { Clock } from '../runs/clock.ts';
import type { AppendLoop } from '../run/append-loop.ts';
import { newPartId } from '../run/part-maker.ts';

// What tools ask of people in the course of their calls (MCP's elicitation): questions like those of a model, each with the call it is of.

/** For one call: a tool that asks on and on is told that nobody answers. */
export const MOST_ROUNDS = 8;
/** Of one answer; a few are kept for what the model still says. */
const MOST_PARTS = 230;
/** A hint that somebody has decided may be lost. */
const LOOK_MS = 2_000;

export const isToolQuestion = ({ kind, of }: Part): boolean => kind === 'question' && of !== undefined;

const questionsOf = (parts: readonly Part[], { partId }: Part, form?: string): Part[] =>
  parts.filter((part) => isToolQuestion(part) && part.of === partId && (form === undefined || part.field?.form === form));

/** Its tool has asked, and people have not answered everything: nothing goes on with it yet. */
export const isAsking = (part: Part, parts: readonly Part[]): boolean =>
  part.asks !== undefined && questionsOf(parts, part).some(isWaiting);

/** Questions that nobody's call waits for: it was open, and died with its pod. */
export const orphanQuestions = (parts: readonly Part[]): Part[] =>
  parts.filter(
    (part) => isToolQuestion(part) && isWaiting(part) && !parts.some((call) => call.partId === part.of && call.asks !== undefined),
  );

const put = (appends: AppendLoop, call: Part, said: Pick<Part, 'text' | 'choices' | 'field'>): Promise<unknown> =>
  appends.put(
    {
      ...{ partId: newPartId(), index: appends.takeIndex(), at: appends.pushedBytes, kind: 'question', state: 'waiting', of: call.partId },
      ...(call.server !== undefined && { server: call.server }),
      ...(call.name !== undefined && { name: call.name }),
      ...(call.title !== undefined && { title: call.title }),
      ...said,
    },
    null,
  );

/** Whether there is room, and patience, to ask once more. */
const mayAsk = (appends: AppendLoop, rounds: number, questions: number): boolean =>
  rounds < MOST_ROUNDS && appends.begunParts + questions <= MOST_PARTS;

/** The tool ended its call with questions: they stand in the log before the call says that it waits for them. */
export const askAgain = async (
  appends: AppendLoop,
  call: Part,
  { forms, state, rounds = 0, isAnybody }: { forms: readonly InputForm[]; state?: string; rounds?: number; isAnybody: boolean },
): Promise<Part> => {
  const said = forms.flatMap((form) => form.fields.map((field) => questionOf(form, field)));
  if (isAnybody && mayAsk(appends, rounds, said.length)) await Promise.all(said.map((question) => put(appends, call, question)));
  return { ...call, asks: { forms: forms.map(({ key }) => key), rounds: rounds + 1, ...(state !== undefined && { state }) } };
};

export type Further = { said: NonNullable<Call['said']>; rounds: number } | { part: Part };

/** All questions of a call are decided: with what it goes on, or that some are asked once more. */
export const goOnWith = async (appends: AppendLoop, { asks, ...call }: Part): Promise<Further> => {
  const { forms, rounds, state } = asks!;
  const judged = forms.map((form) => ({ form, judged: judgeForm(questionsOf(appends.parts.all, call, form)) }));
  const again = judged.flatMap((one) => ('again' in one.judged ? one.judged.again : []));
  if (again.length > 0 && mayAsk(appends, rounds, again.length)) {
    await Promise.all(again.map((question) => put(appends, call, question)));
    return { part: { ...call, asks: { ...asks!, rounds: rounds + 1 } } };
  }
  const answers = judged.map((one): [string, FormAnswer] => [one.form, 'answer' in one.judged ? one.judged.answer : { action: 'cancel' }]);
  return { said: { responses: Object.fromEntries(answers), ...(state !== undefined && { state }) }, rounds };
};

/** Asks people while a call stays open: whoever holds the run waits with it, and no longer than its server may. */
export const askNow = async (
  appends: AppendLoop,
  call: Part,
  form: InputForm,
  { clock, signal, reread, changed }: { clock: Clock; signal: AbortSignal; reread(): Promise<unknown>; changed(): Promise<void> },
): Promise<FormAnswer> => {
  const mine = `${newPartId()} `;
  const fields = form.fields.map((field) => ({ ...field, form: mine }));
  const mineOf = (): Part[] => questionsOf(appends.parts.all, call, mine);
  const until = clock.now() + MOST_ASK_MS;
  let next = fields.map((field) => questionOf({ ...form, fields }, field));
  for (let rounds = 0; next.length > 0 && !signal.aborted && mayAsk(appends, rounds, next.length); rounds++) {
    await Promise.all(next.map((question) => put(appends, call, question)));
    while (mineOf().some(isWaiting) && !signal.aborted && clock.now() < until) {
      await Promise.race([changed(), clock.sleep(Math.min(LOOK_MS, until - clock.now()), signal).then(reread)]);
    }
    if (!mineOf().every(isFinal)) break;
    const judged = judgeForm(mineOf());
    if ('answer' in judged) return judged.answer;
    next = judged.again;
  }
  const left = mineOf().filter(isWaiting);
  await Promise.all(left.map((part) => appends.put({ ...part, state: 'dismissed', endedAt: clock.wall() }, 'waiting')));
  return { action: 'cancel' };
};
