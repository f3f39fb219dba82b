import { utf8Length, type Part } from '@runnel/protocol';
import type { RunJob } from './generate.ts';
import type { ModelMessage } from '../models/provider.ts';
import { ASK_PERSON } from './part-maker.ts';

/** The thread up to the answer: the model's system prompt, then the messages, without deleted and empty ones. */
export const toModelMessages = ({ claim, model }: Pick<RunJob, 'claim' | 'model'>): ModelMessage[] => [
  ...(model.system === null ? [] : [{ role: 'system' as const, text: model.system }]),
  ...claim.messages.filter(({ status, text }) => status !== 'deleted' && text !== '').map(({ role, text }) => ({ role, text })),
];

/** Parts that are calls of the model: only those have a step. */
export const isCall = (part: Part): part is Part & { step: number } => part.step !== undefined;

/** How many requests to the model have ended with calls. */
export const stepsOf = (parts: readonly Part[]): number =>
  parts.reduce((most, part) => (isCall(part) ? Math.max(most, part.step + 1) : most), 0);

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
): { messages: ModelMessage[]; prefix: string } => {
  const messages = [...thread];
  const bytes = Buffer.from(text);
  let from = 0;
  for (const [, calls] of [...Map.groupBy(parts.filter(isCall), ({ step }) => step)].toSorted(([a], [b]) => a - b)) {
    const at = Math.max(from, calls[0]!.at);
    const ids = new Map(calls.map((part) => [part, part.callId ?? part.partId]));
    messages.push({
      role: 'assistant',
      text: bytes.subarray(from, at).toString(),
      calls: calls.map((part) => ({ id: ids.get(part)!, name: nameOf(part), input: inputOf(part) })),
    });
    for (const part of calls) messages.push({ role: 'tool', text: resultOf(part), callId: ids.get(part)! });
    from = at;
  }
  return { messages, prefix: bytes.subarray(Math.min(from, utf8Length(text))).toString() };
};
