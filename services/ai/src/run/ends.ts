import { repeats, withoutText, type EndRun, type StoredMessage } from '@runnel/coordination';
import { RunnelError, type EndReason, type Finish } from '@runnel/protocol';
import type { Claim } from './run-job.ts';

export const toEndError = ({ code, message, retryAfterMs, providerStatus, providerCode }: RunnelError): NonNullable<EndRun['error']> => ({
  code,
  message,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
  ...(providerStatus !== undefined && { status: providerStatus }),
  ...(providerCode !== undefined && { providerCode }),
});

/**
 * An API's caller may have asked for what leaves nothing (a limit that thoughts used up, a text to stop at, the end of an answer begun), or a
 * filter has taken it: the finish says so.
 */
export const mayBeEmpty = ({ request }: Pick<Claim, 'request'>, finish: Finish): boolean => request !== undefined && finish !== 'tools';

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
