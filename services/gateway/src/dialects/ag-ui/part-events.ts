import { digestOf } from '@runnel/coordination';
import type { Message, Part } from '@runnel/protocol';
import { callOf } from '../parts/call-of.ts';

export type AgUiEvent = { type: string } & Record<string, unknown>;

/** A message as AG-UI writes it. No field is ever null: its clients refuse that. */
export type AgUiMessage = { id: string; role: string; content: string } & Record<string, unknown>;

/** What a client was told of a part. */
export interface PartSent {
  /** Characters of what is streamed: a thought, or the arguments of a call. */
  chars: number;
  isWhole: boolean;
  isOver: boolean;
}
type Told = { events: AgUiEvent[]; sent: PartSent };

const resultId = (partId: string): string => `${partId}-result`;

const thought = ({ partId: messageId, state, text = '' }: Part, sent: PartSent | null, ended: boolean): Told => {
  const events: AgUiEvent[] = [];
  if (!sent) events.push({ type: 'REASONING_START', messageId }, { type: 'REASONING_MESSAGE_START', messageId, role: 'reasoning' });
  const { chars = 0 } = sent ?? {};
  if (text.length > chars) events.push({ type: 'REASONING_MESSAGE_CONTENT', messageId, delta: text.slice(chars) });
  const isOver = ended || state === 'done';
  if (isOver) events.push({ type: 'REASONING_MESSAGE_END', messageId }, { type: 'REASONING_END', messageId });
  return { events, sent: { chars: Math.max(chars, text.length), isWhole: isOver, isOver } };
};

const call = (part: Part, parentMessageId: string, sent: PartSent | null, ended: boolean): Told => {
  const { name, input, isWhole, result } = callOf(part, ended)!;
  const toolCallId = part.partId;
  const { chars = 0, isWhole: wasWhole = false } = sent ?? {};
  const events: AgUiEvent[] = sent ? [] : [{ type: 'TOOL_CALL_START', toolCallId, toolCallName: name, parentMessageId }];
  if (!wasWhole && input.length > chars) events.push({ type: 'TOOL_CALL_ARGS', toolCallId, delta: input.slice(chars) });
  if (!wasWhole && (isWhole || ended)) events.push({ type: 'TOOL_CALL_END', toolCallId });
  if (result) events.push({ type: 'TOOL_CALL_RESULT', messageId: resultId(toolCallId), toolCallId, content: result.text, role: 'tool' });
  return { events, sent: { chars: Math.max(chars, input.length), isWhole: wasWhole || isWhole || ended, isOver: result !== null } };
};

/** What a client lacks of a part, of which it was told `sent` (null: nothing). `ended`: so has its answer. Pure. */
export const partEvents = (part: Part, parentMessageId: string, sent: PartSent | null, ended: boolean): Told => {
  if (sent?.isOver) return { events: [], sent };
  switch (part.kind) {
    case 'reasoning':
      return thought(part, sent, ended);
    case 'tool':
    case 'question':
      return call(part, parentMessageId, sent, ended);
    case 'source':
    case 'file': {
      // The protocol has no word for it.
      const { index: _index, at: _at, state: _state, kind, ...value } = part;
      return { events: [{ type: 'CUSTOM', name: `runnel.${kind}`, value }], sent: { chars: 0, isWhole: true, isOver: true } };
    }
    default:
      part.kind satisfies never;
      return { events: [], sent: { chars: 0, isWhole: true, isOver: true } };
  }
};

/** Of a part, what a snapshot tells: null, when it is still being said. */
export const inSnapshot = (part: Part, ended: boolean): PartSent | null => {
  const view = callOf(part, ended);
  if (view) return view.isWhole || ended ? { chars: view.input.length, isWhole: true, isOver: view.result !== null } : null;
  const isOver = ended || part.kind !== 'reasoning' || part.state === 'done';
  return isOver ? { chars: part.text?.length ?? 0, isWhole: true, isOver: true } : null;
};

/** An answer as messages: its thoughts, itself with its calls, and what came of those. Pure. */
export const answerMessages = (
  { messageId, text, parts = [] }: Pick<Message, 'messageId' | 'text' | 'parts'>,
  { ended }: { ended: boolean },
): AgUiMessage[] => {
  const told = parts.filter((part) => inSnapshot(part, ended) !== null);
  const calls = told.flatMap((part) => {
    const view = callOf(part, ended);
    return view ? [{ id: part.partId, ...view }] : [];
  });
  const thoughts = told.flatMap(({ kind, partId, text: thinks = '' }) =>
    kind === 'reasoning' ? [{ id: partId, role: 'reasoning', content: thinks }] : [],
  );
  const toolCalls = calls.map(({ id, name, input }) => ({ id, type: 'function', function: { name, arguments: input } }));
  const results = calls.flatMap(({ id, result }) =>
    result ? [{ id: resultId(id), role: 'tool', toolCallId: id, content: result.text, ...(!result.ok && { error: result.text }) }] : [],
  );
  return [...thoughts, { id: messageId, role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) }, ...results];
};

const ANSWER = { type: 'object', properties: { approved: { type: 'boolean' }, reason: { type: 'string' } }, required: ['approved'] };

/** What a run waits for, as AG-UI asks for it. Pure. */
export const interruptOf = (part: Part): object => {
  const { partId: id, kind, state, text = '', choices, name = '', title = name } = part;
  if (kind === 'question') {
    const responseSchema = { type: 'string', ...(choices && { enum: choices }) };
    return { id, reason: 'input_required', toolCallId: id, message: text, responseSchema };
  }
  const message = state === 'unknown' ? `Nobody knows whether ${title} acted. Call it again?` : `May ${title} be called?`;
  const metadata = { inputSha256: digestOf(part.input ?? '') };
  return { id, reason: 'tool_call', toolCallId: id, message, responseSchema: ANSWER, metadata };
};
