import { isId } from '@runnel/protocol';
import { ApiError } from '../openai/api-error.ts';
import { NOT_STORED } from '../openai/ids.ts';

/** Where a response is: its conversation and the run that wrote it. Any gateway reads that from its id alone. */
export interface ResponseRef {
  conversationId: string;
  runId: string;
}

export const responseId = ({ conversationId, runId }: ResponseRef): string => `resp_${conversationId}.${runId}`;

/** What is not stored has an id, too, and nobody can ask for it. */
const isStored = ({ runId }: ResponseRef): boolean => !runId.startsWith(NOT_STORED);

/** Null for what is no id of ours, or of a response that is not stored. */
export const parseResponseId = (id: string): ResponseRef | null => {
  const [, conversationId, runId, ...more] = /^resp_([^.]+)\.([^.]+)$/.exec(id) ?? [];
  if (!isId(conversationId) || !isId(runId) || more.length > 0) return null;
  const ref = { conversationId, runId };
  return isStored(ref) ? ref : null;
};

/** Unknown, deleted, somebody else's, not stored: all alike. */
export const noResponse = (id: string): ApiError =>
  new ApiError('not-found', `Response with id '${id.slice(0, 200)}' not found.`, { code: 'response_not_found', status: 404 });
