import type { RunLog } from '@runnel/coordination';
import type { Message, RunSnapshot, ServerEvent } from '@runnel/protocol';
import type { HistoryQuery, HistoryResult } from '../../archive/audit-history.ts';
import type { ToldFailure } from '../answer.ts';
import { lookAgain } from '../look-again.ts';
import { noResponse, parseResponseId, responseId, type ResponseRef } from './id.ts';

/** Where responses are looked for. */
export interface Shelves {
  runLog: Pick<RunLog, 'readState' | 'findRun' | 'storeChangedAgoMs'>;
  /** Pages of the conversation, also what only the database has. */
  history(query: HistoryQuery): Promise<HistoryResult>;
}

/** A response that there is. */
export interface Found {
  ref: ResponseRef;
  /** It is being written. */
  run: RunSnapshot | null;
  /** It has ended. */
  message: Message | null;
  /** Why it failed, while the log still has its end. */
  failure?: ToldFailure;
  /** The messages from the oldest that is known to the one it answers. */
  before: Message[];
}

const PAGE = 200;
/** A response that lies further back than this is not looked for. */
const MOST_PAGES = 10;

/** The way back from a message, as far as it is known. */
const pathTo = (messages: readonly Message[], messageId: string | null): Message[] => {
  const byId = new Map(messages.map((message) => [message.messageId, message]));
  const path: Message[] = [];
  for (let at = byId.get(messageId ?? ''); at && path.length < byId.size; at = byId.get(at.parentId ?? '')) path.unshift(at);
  return path;
};

/** The response before this one: what its prompt answers to. */
export const previousOf = ({ ref, before }: Pick<Found, 'ref' | 'before'>): string | null => {
  const earlier = before.at(-2);
  return earlier?.role === 'assistant' && earlier.model !== undefined
    ? responseId({ conversationId: ref.conversationId, runId: earlier.messageId })
    : null;
};

/** The events of an answer that the log still has, from its beginning on. */
const eventsOf = async (runLog: Shelves['runLog'], { conversationId, runId }: ResponseRef, userId: string): Promise<ServerEvent[]> => {
  const started = await runLog.findRun({ conversationId, userId, messageId: null, runId });
  if (started.outcome !== 'running' && started.outcome !== 'ended') return [];
  const state = await runLog.readState({ conversationId, userId });
  if (state.kind !== 'snapshot') return [];
  const tail = await runLog.readState({
    conversationId,
    userId,
    cursor: { logId: state.logId, offset: Math.max(0, started.offset - 1) },
    reach: 'far',
  });
  return tail.kind === 'tail' ? tail.entries.map(({ json }) => JSON.parse(json) as ServerEvent) : [];
};

const failureOf = async (runLog: Shelves['runLog'], ref: ResponseRef, userId: string): Promise<ToldFailure> => {
  for (const event of await eventsOf(runLog, ref, userId)) if (event.type === 'run-ended' && event.runId === ref.runId) return event.error;
  return undefined;
};

/**
 * Looks a response up by its id alone, on any gateway.
 *
 * @throws ApiError 404 for one that is unknown, deleted, not stored, or somebody else's
 */
export const findResponse = async (shelves: Shelves, id: string, userId: string): Promise<Found> => {
  const ref = parseResponseId(id);
  const found = ref && (await lookAgain(shelves.runLog, () => lookUp(shelves, ref, userId)));
  if (!found) throw noResponse(id);
  return found;
};

/** Null: it is not here. @throws ApiError 404 for one that is deleted, no response, or somebody else's */
const lookUp = async ({ runLog, history }: Shelves, ref: ResponseRef, userId: string): Promise<Found | null> => {
  const { conversationId, runId } = ref;
  const state = await runLog.readState({ conversationId, userId });
  if (state.kind === 'forbidden') throw noResponse(responseId(ref));
  if (state.kind === 'none') return null;
  if (state.kind === 'snapshot' && state.run?.runId === runId)
    return { ref, run: state.run, message: null, before: pathTo(state.messages, state.run.parentId) };
  let messages: Message[] = state.kind === 'snapshot' ? [...state.messages] : [];
  for (let page = 0; page < MOST_PAGES; page++) {
    const message = messages.find(({ messageId }) => messageId === runId);
    if (message) {
      if (message.status === 'deleted' || message.role !== 'assistant') throw noResponse(responseId(ref));
      const failure = message.status === 'failed' || message.status === 'interrupted' ? await failureOf(runLog, ref, userId) : undefined;
      return { ref, run: null, message, before: pathTo(messages, message.parentId), ...(failure && { failure }) };
    }
    const oldest = messages[0]?.messageId;
    const older = await history({ conversationId, userId, limit: PAGE, ...(oldest !== undefined && { before: oldest }) });
    if (older.kind !== 'page' || older.messages.length === 0) break;
    messages = [...older.messages, ...messages];
  }
  return null;
};

/** Where the pieces of an answer end, as the log still has them: bytes of its text. */
export const cutsOf = async ({ runLog }: Shelves, ref: ResponseRef, userId: string): Promise<number[]> =>
  (await eventsOf(runLog, ref, userId)).flatMap((event) =>
    event.type === 'chunk' && event.runId === ref.runId ? [event.at + Buffer.byteLength(event.text)] : [],
  );
