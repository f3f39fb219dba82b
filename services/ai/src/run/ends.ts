import { repeats, type EndRun, type StoredMessage } from '@runnel/coordination';
import { RunnelError, withoutText, type EndReason, type Finish } from '@runnel/protocol';
import { readRequest } from './asked.ts';
import type { Claim } from './run-job.ts';

export const toEndError = ({ code, message, retryAfterMs, providerStatus, providerCode }: RunnelError): NonNullable<EndRun['error']> => ({
  code,
  message,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
  ...(providerStatus !== undefined && { status: providerStatus }),
  ...(providerCode !== undefined && { providerCode }),
});

/**
 * Whether an empty answer is what an API's caller asked for: a limit that thoughts used up or a filter took it, and the finish says so, or the
 * caller gave a text to stop at or the beginning of the answer. A model that says nothing for no reason has failed.
 */
export const mayBeEmpty = ({ request }: Pick<Claim, 'request'>, finish: Finish): boolean => {
  if (request === undefined) return false;
  if (finish !== 'stop') return finish === 'length' || finish === 'filter';
  const asked = readRequest(request);
  if (asked instanceof RunnelError) return false;
  const { stop } = asked.params ?? {};
  return (stop !== undefined && stop !== null) || asked.thread?.turns.at(-1)?.role === 'assistant';
};

/** To a person an empty answer is a failure, whatever finish the provider reports. */
export const emptyAnswer = (finish: Finish): RunnelError =>
  new RunnelError(
    'model-failed',
    finish === 'tools' ? 'The model asked for a tool; there is none here.' : 'The model gave an empty answer.',
  );

/** A cancel that reached the store before the end changed its reason: then the end has neither finish nor error. */
export const endAs = ({ finish, error, ...command }: EndRun, reason: EndReason): EndRun =>
  reason === command.reason ? { ...command, ...(finish && { finish }), ...(error && { error }) } : { ...command, reason };

/** Whether the question of a claimed run was deleted before this pod had it. */
export const isDeleted = ({ messages, run }: Pick<Claim, 'messages' | 'run'>): boolean =>
  messages.some(({ messageId, status }) => messageId === run.parentId && status === 'deleted');

/** What a store that loses the run is told of its thread, after a message of it was deleted. */
export const withhold = (held: { title: string; messages: StoredMessage[] }, messageId: string): void => {
  const at = held.messages.findIndex((message) => message.messageId === messageId);
  const message = held.messages[at];
  if (!message) return;
  // A conversation is called by its first message.
  if (repeats(held.title, message.text)) held.title = '';
  // In place: whoever holds the thread has the same.
  held.messages[at] = withoutText(message);
};
