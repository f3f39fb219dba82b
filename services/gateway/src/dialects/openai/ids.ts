import { createHash, createHmac } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { RunLog } from '@runnel/coordination';
import { isId, newId, UNLISTED } from '@runnel/protocol';
import { ApiError, refuse } from './api-error.ts';

export interface RequestIds {
  conversationId: string;
  messageId: string;
  runId: string;
  /** The caller's Idempotency-Key, if there is one. */
  key: string | undefined;
  /** Where the same key, with a body that is kept in another way, would have its run. */
  elsewhere: readonly { conversationId: string; runId: string }[];
}

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** How an answer travels is not what is asked. */
const TRANSPORT = new Set(['stream', 'stream_options']);

/** The same for the same question, in whatever order its fields stand. */
const digestOf = (body: object): string => {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, inner]) => [name, sorted(inner)]),
    );
  };
  const asked = Object.fromEntries(Object.entries(body).filter(([name]) => !TRANSPORT.has(name)));
  return createHash('sha256')
    .update(JSON.stringify(sorted(asked)))
    .digest('hex');
};

export interface IdsRequest {
  headers: FastifyRequest['headers'];
  body: object;
  userId: string;
  /** The conversation that the body names. */
  conversation?: string | undefined;
  /** A new conversation is in the person's list. */
  isListed: boolean;
  /** The answer may be asked for later, by its id. */
  isStored?: boolean;
}

/** Of the runs whose answers nobody may ask for. */
export const NOT_STORED = 'tmp__';

/**
 * The conversation that the body or `x-runnel-conversation` names, or a new one, and new ids in it. With an `Idempotency-Key` they are
 * the same for the same caller and key, so that a retry joins the run of the first try (W-4) on any gateway; the message's id is of the body,
 * too, which tells a retry from another question under the same key. They are keyed with a secret that all gateways share: who knows a
 * person's name and key must not be able to tell the ids, for an id is all it takes to ask for it.
 */
export const requestIds = async (
  { headers, body, userId, conversation: inBody, isListed, isStored = true }: IdsRequest,
  runLog: Pick<RunLog, 'sharedSecret'>,
): Promise<RequestIds> => {
  const conversation = inBody ?? single(headers['x-runnel-conversation']);
  if (conversation !== undefined && !isId(conversation))
    refuse(inBody === undefined ? 'x-runnel-conversation' : 'conversation', 'not an id.', 'invalid_value');
  const [unlisted, unstored] = [isListed ? '' : UNLISTED, isStored ? '' : NOT_STORED];
  const key = single(headers['idempotency-key']);
  if (key === undefined) {
    const made = { conversationId: conversation ?? unlisted + newId(), messageId: newId(), runId: unstored + newId() };
    return { ...made, key, elsewhere: [] };
  }
  if (key.length === 0 || key.length > 255) refuse('Idempotency-Key', 'has 1 to 255 characters.', 'invalid_value');
  const shared = await runLog.sharedSecret('completion-ids');
  const id = (use: string, ...more: string[]): string =>
    createHmac('sha256', shared)
      .update(JSON.stringify([use, userId, key, ...more]))
      .digest('hex')
      .slice(0, 32);
  const own = { conversationId: conversation ?? unlisted + id('conversation'), runId: unstored + id('run') };
  const conversations = conversation === undefined ? ['', UNLISTED].map((prefix) => prefix + id('conversation')) : [conversation];
  const elsewhere = conversations
    .flatMap((conversationId) => ['', NOT_STORED].map((prefix) => ({ conversationId, runId: prefix + id('run') })))
    .filter(({ conversationId, runId }) => conversationId !== own.conversationId || runId !== own.runId);
  return { ...own, messageId: id('message', digestOf(body)), key, elsewhere };
};

export const keyReused = (): ApiError =>
  new ApiError('bad-frame', 'This Idempotency-Key was used with another body.', { code: 'idempotency_key_reused', status: 422 });

/** A known run was made by this very body, or the key is another question's. @throws ApiError `idempotency_key_reused` */
export const checkSameBody = async (
  { conversationId, messageId }: Pick<RequestIds, 'conversationId' | 'messageId'>,
  userId: string,
  runLog: Pick<RunLog, 'findRun'>,
): Promise<void> => {
  const { outcome } = await runLog.findRun({ conversationId, userId, messageId, runId: messageId });
  if (outcome === 'none') throw keyReused();
};
