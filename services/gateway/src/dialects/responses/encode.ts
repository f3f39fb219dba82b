import { utf8Length, type Finish, type Usage } from '@runnel/protocol';
import type { AnswerEnd } from '../answer.ts';
import { openAiCode } from '../openai/api-error.ts';
import type { Call } from '../openai/calls.ts';
import { DEFAULTS, type Echo } from './echo.ts';
import { responseId } from './id.ts';
import type { StreamEvent } from './stream-event.ts';
import { lastNumber, messageIndex, textNumber, thoughtItem, type Thought } from './thoughts.ts';

/** A response as far as it has come. */
export interface View {
  conversationId: string;
  runId: string;
  model: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** The response before it in its conversation. */
  previous: string | null;
  text: string;
  /** What the model thought, in its order. */
  thoughts: readonly Thought[];
  /** Calls of the caller's own functions, once the answer has ended. */
  calls: readonly Call[];
  end: AnswerEnd | null;
  store: boolean;
  echo?: Echo;
}

export type Status = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

const CUT: Partial<Record<Finish, string>> = { length: 'max_output_tokens', filter: 'content_filter' };

const statusOf = (end: AnswerEnd | null): Status => {
  if (!end) return 'in_progress';
  if (end.reason === 'cancelled') return 'cancelled';
  if (end.error || end.reason !== 'complete') return 'failed';
  return end.finish && CUT[end.finish] ? 'incomplete' : 'completed';
};

const itemStatus = (status: Status): string => (status === 'completed' || status === 'in_progress' ? status : 'incomplete');

export const textPart = (text: string) => ({ type: 'output_text', text, annotations: [], logprobs: [] });
export const itemId = (runId: string): string => `msg_${runId}`;

const messageItem = ({ runId }: View, status: string, content: object[]) => ({
  id: itemId(runId),
  type: 'message',
  status,
  role: 'assistant',
  content,
});

const callItem = ({ runId }: View, call: Call, index: number, status: string) => ({
  ...{ id: `fc_${runId}_${index}`, type: 'function_call', status, call_id: call.id, name: call.name },
  arguments: status === 'in_progress' ? '' : call.arguments,
});

/** What the answer is made of: thoughts and text as they came, then its calls. */
const outputOf = (view: View, status: Status): object[] => [
  ...view.thoughts.filter(({ at }) => at === 0).map(thoughtItem),
  ...(view.text === '' ? [] : [messageItem(view, itemStatus(status), [textPart(view.text)])]),
  ...view.thoughts.filter(({ at }) => at > 0).map(thoughtItem),
  ...view.calls.map((call, index) => callItem(view, call, index, 'completed')),
];

const usageOf = ({ promptTokens, completionTokens }: Usage) => ({
  input_tokens: promptTokens,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: completionTokens,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: promptTokens + completionTokens,
});

/** The response object, as it stands. */
export const responseOf = (view: View, status: Status = statusOf(view.end)) => {
  const { conversationId, runId, model, createdAt, previous, end, store, echo = DEFAULTS } = view;
  const isOver = status !== 'in_progress' && status !== 'queued';
  const failure = status === 'failed' ? end?.error : undefined;
  return {
    ...echo,
    id: responseId({ conversationId, runId }),
    object: 'response',
    created_at: Math.floor(createdAt / 1000),
    completed_at: status === 'completed' && end ? Math.floor((end.at ?? createdAt) / 1000) : null,
    status,
    error:
      status === 'failed'
        ? { code: failure ? openAiCode(failure) : 'server_error', message: failure?.message ?? 'The model failed.' }
        : null,
    incomplete_details: status === 'incomplete' ? { reason: CUT[end?.finish ?? 'length'] ?? 'max_output_tokens' } : null,
    conversation: { id: conversationId },
    model,
    output: isOver ? outputOf(view, status) : [],
    previous_response_id: previous,
    store,
    usage: isOver && end?.usage ? usageOf(end.usage) : null,
  };
};

/**
 * Places are functions of text and thoughts alone, so that they are the same in every answer, from every node, and for as long as the
 * message lives: the four events of the beginning are 0 to 3, the delta that ends at byte `b` is `3 + b`, those of the end follow the last
 * byte; thoughts move what comes behind them (`thoughts.ts`).
 */
const within = ({ runId, thoughts }: View) => ({ item_id: itemId(runId), output_index: messageIndex(thoughts), content_index: 0 });

export const beginning = (view: View): StreamEvent[] => [
  { type: 'response.created', sequence_number: 0, response: responseOf({ ...view, end: null }) } as StreamEvent,
  { type: 'response.in_progress', sequence_number: 1, response: responseOf({ ...view, end: null }) } as StreamEvent,
];

/** Once there is text. */
export const opening = (view: View): StreamEvent[] => [
  {
    ...{ type: 'response.output_item.added', sequence_number: textNumber(view.thoughts, 0) - 1 },
    ...{ output_index: messageIndex(view.thoughts), item: messageItem(view, 'in_progress', []) },
  } as StreamEvent,
  {
    ...{ type: 'response.content_part.added', sequence_number: textNumber(view.thoughts, 0), ...within(view) },
    part: textPart(''),
  } as StreamEvent,
];

/** `until`: bytes of the text that it ends at. */
export const delta = (view: View, text: string, until: number): StreamEvent =>
  ({
    type: 'response.output_text.delta',
    sequence_number: textNumber(view.thoughts, until),
    ...within(view),
    delta: text,
    logprobs: [],
  }) as StreamEvent;

const CALL_EVENTS = 4;

/** A call is told when it is whole: half of its arguments are of no use to anybody. */
const callEvents = (view: View, call: Call, index: number, number: number): object[] => {
  const place = { item_id: `fc_${view.runId}_${index}`, output_index: index + view.thoughts.length + (view.text === '' ? 0 : 1) };
  const { output_index, item_id } = place;
  return [
    { type: 'response.output_item.added', sequence_number: number, output_index, item: callItem(view, call, index, 'in_progress') },
    { type: 'response.function_call_arguments.delta', sequence_number: number + 1, item_id, output_index, delta: call.arguments },
    {
      ...{ type: 'response.function_call_arguments.done', sequence_number: number + 2, item_id, output_index },
      ...{ name: call.name, arguments: call.arguments },
    },
    { type: 'response.output_item.done', sequence_number: number + 3, output_index, item: callItem(view, call, index, 'completed') },
  ];
};

/** The end, of a text that is whole. */
export const ending = (view: View): StreamEvent[] => {
  const { text } = view;
  const status = statusOf(view.end);
  const last = lastNumber(view.thoughts, utf8Length(text));
  const part = textPart(text);
  const closing =
    text === ''
      ? []
      : [
          { type: 'response.output_text.done', sequence_number: last + 1, ...within(view), text, logprobs: [] },
          { type: 'response.content_part.done', sequence_number: last + 2, ...within(view), part },
          {
            type: 'response.output_item.done',
            sequence_number: last + 3,
            output_index: messageIndex(view.thoughts),
            item: messageItem(view, itemStatus(status), [part]),
          },
        ];
  const called = view.calls.flatMap((call, index) => callEvents(view, call, index, last + 4 + index * CALL_EVENTS));
  // There is no event for a cancelled one.
  const word = status === 'cancelled' ? 'incomplete' : status;
  const number = last + 4 + called.length;
  return [...closing, ...called, { type: `response.${word}`, sequence_number: number, response: responseOf(view) }] as StreamEvent[];
};
