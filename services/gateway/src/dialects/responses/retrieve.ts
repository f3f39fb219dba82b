import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { givenFiles, isPicture, type Message, type Part } from '@runnel/protocol';
import { lifeOf } from '../../http/plumbing/caller.ts';
import { OPENAI_ERRORS, UserQuery, json, type Routes } from '../../http/plumbing/schemas.ts';
import { Answer } from '../answer.ts';
import { refuse } from '../openai/api-error.ts';
import { dialectCaller } from '../door.ts';
import type { OpenAiContext } from '../openai/context.ts';
import { withAnswer } from '../openai/run.ts';
import { itemId, responseOf, textPart, type View } from './encode.ts';
import { cutsOf, findResponse, previousOf, type Shelves } from './find.ts';
import type { ResponseRef } from './id.ts';
import { RESPONSE_ANSWER, viewOf, viewOfFound, wholeResponse } from './route.ts';
import { streamResponse } from './stream.ts';

const tags = ['OpenAI-compatible'];
const params = Type.Object({ id: Type.String({ description: '`resp_…`' }) });
const Flag = Type.Optional(Type.Enum(['true', 'false']));

/** How long the end of a run that is cancelled is waited for; it comes whether or not its pod lives (P-5). */
const CANCEL_MS = 2_000;

/** `starting_after` of a request; null: from the beginning, as below the first number. */
const afterOf = (value: string | undefined): number | null => {
  if (value === undefined) return null;
  if (!/^-?\d{1,15}$/.test(value)) refuse('starting_after', 'must be an integer.', 'invalid_type');
  return Number(value) < 0 ? null : Number(value);
};

const filePart = (part: Part): object =>
  isPicture(part)
    ? { type: 'input_image', file_id: part.fileId, detail: 'auto' }
    : { type: 'input_file', file_id: part.fileId, filename: part.name };

const inputParts = (message: Message): object[] => [
  ...givenFiles(message).map(filePart),
  ...(message.text === '' && givenFiles(message).length > 0 ? [] : [{ type: 'input_text', text: message.text }]),
];

const nameIt = (reply: FastifyReply, { conversationId, runId }: ResponseRef): void =>
  void reply.headers({ 'x-runnel-conversation': conversationId, 'x-runnel-run': runId });

const inputItem = (message: Message) => ({
  id: itemId(message.messageId),
  type: 'message',
  status: 'completed',
  role: message.role,
  content: message.role === 'assistant' ? [textPart(message.text)] : inputParts(message),
});

export const retrieveRoutes = (app: Routes, context: OpenAiContext, shelves: Shelves): void => {
  const { auth, budgets, commands, requests } = context;

  app.get(
    '/responses/:id',
    {
      schema: {
        operationId: 'retrieveResponse',
        tags,
        summary: 'A response as it stands, or its events from a number on',
        params,
        querystring: Type.Object({
          ...UserQuery,
          stream: Flag,
          starting_after: Type.Optional(Type.String({ description: 'Events above this `sequence_number`' })),
          include_obfuscation: Flag,
        }),
        response: RESPONSE_ANSWER,
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      const { userId } = caller;
      await budgets.command(userId);
      const { stream, starting_after: from } = request.query;
      if (from !== undefined && stream !== 'true') refuse('starting_after', 'only with `stream=true`.', 'invalid_value');
      const after = afterOf(from);
      const found = await findResponse(shelves, request.params.id, userId);
      const { ref } = found;
      nameIt(reply, ref);
      if (stream !== 'true') {
        requests.ended('responses', undefined);
        return reply.send(responseOf(viewOfFound(found)));
      }
      const life = await lifeOf(auth, request, reply);
      const cuts = await cutsOf(shelves, ref, userId);
      const ended = (error: unknown): void => (reply.raw.destroyed ? requests.left('responses') : requests.ended('responses', error));
      const known = { ...ref, model: viewOfFound(found).model, previous: previousOf(found), store: true };
      const send = (answer: Answer): Promise<void> => {
        answer.cuts.unshift(...cuts);
        return streamResponse(answer, reply, { view: (): View => viewOf(answer, known), after, ended });
      };
      if (found.message) {
        const answer = new Answer(ref.runId);
        answer.settle(found.message, found.failure);
        await send(answer);
      } else await withAnswer(context, caller, ref, { reply, life, cancelAfterMs: null }, async () => 0, send);
      return reply;
    },
  );

  app.post(
    '/responses/:id/cancel',
    {
      schema: {
        operationId: 'cancelResponse',
        tags,
        summary: 'Stop a response; its text so far stays',
        params,
        querystring: Type.Object(UserQuery),
        response: { 200: wholeResponse, ...OPENAI_ERRORS },
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      const { id } = request.params;
      const { ref, run } = await findResponse(shelves, id, caller.userId);
      nameIt(reply, ref);
      if (run) {
        const giveUpAt = performance.now() + CANCEL_MS;
        await withAnswer(
          context,
          caller,
          ref,
          { reply, life: { expiresAt: null }, cancelAfterMs: null },
          async () => (await commands.cancel(caller, ref), 0),
          async (answer) => {
            const timer = setTimeout(() => answer.touch(), CANCEL_MS + 1);
            while (!answer.end && performance.now() < giveUpAt) await answer.next();
            clearTimeout(timer);
          },
        );
      }
      requests.ended('responses', undefined);
      return responseOf(viewOfFound(await findResponse(shelves, id, caller.userId)));
    },
  );

  app.delete(
    '/responses/:id',
    {
      schema: {
        operationId: 'deleteResponse',
        tags,
        summary: 'Delete a response: its text is gone, its place in the conversation stays',
        params,
        querystring: Type.Object(UserQuery),
        response: {
          200: json('Gone', Type.Object({ id: Type.String(), object: Type.Literal('response'), deleted: Type.Literal(true) })),
          ...OPENAI_ERRORS,
        },
      },
    },
    async (request, reply) => {
      const caller = await dialectCaller(auth, request, reply);
      await budgets.command(caller.userId);
      const { id } = request.params;
      const { ref } = await findResponse(shelves, id, caller.userId);
      nameIt(reply, ref);
      await commands.deleteMessage(caller, { conversationId: ref.conversationId, messageId: ref.runId });
      requests.ended('responses', undefined);
      return { id, object: 'response' as const, deleted: true as const };
    },
  );

  app.get(
    '/responses/:id/input_items',
    {
      schema: {
        operationId: 'listInputItems',
        tags,
        summary: 'The messages that a response answers',
        params,
        querystring: Type.Object({
          ...UserQuery,
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
          order: Type.Optional(Type.Enum(['asc', 'desc'])),
          after: Type.Optional(Type.String()),
        }),
        response: { 200: json('A page', Type.Unsafe<object>({ type: 'object', description: 'list of items' })), ...OPENAI_ERRORS },
      },
    },
    async (request, reply) => {
      const { userId } = await dialectCaller(auth, request, reply);
      await budgets.command(userId);
      const { limit = 20, order = 'desc', after } = request.query;
      const { ref, before } = await findResponse(shelves, request.params.id, userId);
      nameIt(reply, ref);
      const items = before.filter(({ status }) => status !== 'deleted').map(inputItem);
      const all = order === 'desc' ? items.toReversed() : items;
      const data = all.slice(after === undefined ? 0 : all.findIndex((item) => item.id === after) + 1).slice(0, limit);
      requests.ended('responses', undefined);
      return {
        object: 'list',
        data,
        first_id: data[0]?.id ?? null,
        last_id: data.at(-1)?.id ?? null,
        has_more: data.length > 0 && data.at(-1) !== all.at(-1),
      };
    },
  );
};
