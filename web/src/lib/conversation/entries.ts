import type { PendingPrompt } from '@runnel/client';
import type { Message, MessageStatus, Part, Receipt, RunState, Trimmed } from '@runnel/protocol';
import type { Node } from './tree.ts';

/** One message of the page, whichever state it is in. */
export interface Entry extends Node {
  role: Message['role'];
  /** Empty while `running`: the growing text is read where it is drawn, so that nothing else is drawn again for it. */
  text: string;
  status: MessageStatus | 'running' | 'queued' | 'sending' | 'refused';
  /** How the model stopped, of an answer that ended. */
  finish: Message['finish'] | null;
  /** What of the conversation its model did not get. */
  trimmed: Trimmed | null;
  /** Beside its text; of a running answer they are read where they are drawn. */
  parts: readonly Part[];
  /** What proves a whole answer; older ones have none. */
  receipt: Receipt | null;
  model: string | null;
  /** The model that was asked for, where another one answered. */
  requestedModel: string | null;
  createdAt: number;
  /** A prompt that is not in the log yet. */
  pending: PendingPrompt | null;
}

const NO_PARTS: readonly Part[] = [];

const ofMessage = (message: Message): Entry => ({
  messageId: message.messageId,
  parentId: message.parentId,
  role: message.role,
  text: message.text,
  status: message.status,
  finish: message.finish ?? null,
  trimmed: message.trimmed ?? null,
  parts: message.parts ?? NO_PARTS,
  receipt: message.receipt ?? null,
  model: message.model ?? null,
  requestedModel: message.requestedModel ?? null,
  createdAt: message.createdAt,
  pending: null,
});

const PENDING_STATUS = { queued: 'queued', sending: 'sending', sent: 'sending', failed: 'refused' } as const;

/** What of a running answer changes rarely: everything but its text. */
export type RunHead = Pick<RunState, 'runId' | 'parentId' | 'model' | 'startedAt' | 'trimmed' | 'requestedModel'>;

/**
 * Finished messages, the running answer and prompts on their way as one list in order of creation.
 * A prompt without a parent goes after what stands last.
 */
export const entriesOf = (messages: readonly Message[], run: RunHead | null, pending: readonly PendingPrompt[]): Entry[] => {
  const entries = messages.map(ofMessage);
  if (run) {
    const { runId, parentId, model, startedAt, trimmed = null, requestedModel = null } = run;
    const entry: Entry = {
      messageId: runId,
      parentId,
      role: 'assistant',
      text: '',
      status: 'running',
      finish: null,
      trimmed,
      parts: NO_PARTS,
      receipt: null,
      model,
      requestedModel,
      createdAt: startedAt,
      pending: null,
    };
    const known = entries.findIndex((e) => e.messageId === runId);
    if (known < 0) entries.push(entry);
    else entries[known] = entry;
  }
  for (const prompt of pending) {
    entries.push({
      messageId: prompt.messageId,
      parentId: prompt.parentId === undefined ? (entries.at(-1)?.messageId ?? null) : prompt.parentId,
      role: 'user',
      text: prompt.text,
      status: PENDING_STATUS[prompt.status],
      finish: null,
      trimmed: null,
      parts: NO_PARTS,
      receipt: null,
      model: prompt.model ?? null,
      requestedModel: null,
      createdAt: prompt.createdAt,
      pending: prompt,
    });
  }
  return entries;
};
