import { utf8Length, type Part } from '@runnel/protocol';
import type { ModelMessage, SignedThought } from '../models/provider.ts';
import { ASK_PERSON } from './part-maker.ts';

/** Parts that are calls of the model: only those have a step. */
export const isCall = (part: Part): part is Part & { step: number } => part.step !== undefined;

/**
 * The calls of steps that came to their end. Where an owner died while its model was still saying them, all of the step are `interrupted`: the
 * model says them again, as parts of their own.
 */
const saidCalls = (parts: readonly Part[]): (Part & { step: number })[] => {
  const calls = parts.filter(isCall);
  const said = new Set(calls.filter(({ error }) => error?.code !== 'interrupted').map(({ step }) => step));
  return calls.filter(({ step }) => said.has(step));
};

/** How many requests to the model have ended with calls. */
export const stepsOf = (parts: readonly Part[]): number => saidCalls(parts).reduce((most, { step }) => Math.max(most, step + 1), 0);

const nameOf = ({ kind, server, name = '' }: Part): string =>
  kind === 'question' ? ASK_PERSON : server === undefined ? name : `${server}__${name}`;

const inputOf = (part: Part): string =>
  part.kind === 'question'
    ? JSON.stringify({ question: part.text ?? '', ...(part.choices && { choices: part.choices }) })
    : part.input || '{}';

const withNote = (words: string, { note }: Part): string => (note === undefined ? words : `${words} They said: ${note}`);

/** What the model is told of a call. */
const resultOf = (part: Part): string => {
  switch (part.state) {
    case 'done':
      return withNote(part.output ?? '', part).trim();
    case 'answered':
      return part.answer ?? '';
    case 'dismissed':
      return 'The person did not answer.';
    case 'denied':
      return withNote('The person denied this call; it was not made.', part);
    default:
      return [`Error (${part.error?.code ?? part.state}): ${part.error?.message ?? 'nothing is known of it'}`, part.output ?? '']
        .join('\n')
        .trim();
  }
};

/**
 * What the model is asked to go on from: the thread, each finished step of this answer with its calls and their results, and the text
 * behind them. Pure.
 */
export const continuation = (
  thread: readonly ModelMessage[],
  text: string,
  parts: readonly Part[],
  signed: ReadonlyMap<number, readonly SignedThought[]> = new Map(),
): { messages: ModelMessage[]; prefix: string } => {
  const messages = [...thread];
  const bytes = Buffer.from(text);
  let from = 0;
  for (const [step, calls] of [...Map.groupBy(saidCalls(parts), ({ step }) => step)].toSorted(([a], [b]) => a - b)) {
    const at = Math.max(from, calls[0]!.at);
    const ids = new Map(calls.map((part) => [part, part.callId ?? part.partId]));
    const said = bytes.subarray(from, at).toString();
    const asked = calls.map((part) => ({
      id: ids.get(part)!,
      type: 'function' as const,
      function: { name: nameOf(part), arguments: inputOf(part) },
    }));
    const thoughts = signed.get(step);
    const turn = { role: 'assistant' as const, content: said === '' ? null : said, tool_calls: asked };
    messages.push({ role: 'assistant', text: said, turn, ...(thoughts && { signed: thoughts }) });
    for (const part of calls) {
      const content = resultOf(part);
      messages.push({ role: 'user', text: content, turn: { role: 'tool', content, tool_call_id: ids.get(part)! } });
    }
    from = at;
  }
  return { messages, prefix: bytes.subarray(Math.min(from, utf8Length(text))).toString() };
};
