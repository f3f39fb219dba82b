import { Type } from 'typebox';
import type { RunnelError } from '@runnel/protocol';
import { lifeOf } from '../../http/plumbing/caller.ts';
import { OPENAI_ERRORS, UserQuery, json, type Routes } from '../../http/plumbing/schemas.ts';
import { failureOf, usageOf, type Answer } from '../answer.ts';
import { ApiError, cutCall } from '../openai/api-error.ts';
import { callsOf, isCut } from '../openai/calls.ts';
import { bringFiles } from '../openai/content/bring-files.ts';
import { dialectCaller } from '../door.ts';
import { checkSameBody, requestIds } from '../openai/ids.ts';
import { takesFiles, type OpenAiContext } from '../openai/context.ts';
import { attemptOf } from '../openai/attempts.ts';
import { rateHeaders } from '../openai/rate-headers.ts';
import { promptFor, withAnswer } from '../openai/run.ts';
import { checkSuits } from '../openai/suits.ts';
import { fieldOf, readResponse } from './decode.ts';
import { responseOf, type View } from './encode.ts';
import { findResponse, previousOf, type Found, type Shelves } from './find.ts';
import { ResponseBody } from './params.ts';
import { streamResponse } from './stream.ts';
import { thoughtsOf } from './thoughts.ts';

const tags = ['OpenAI-compatible'];
const ResponseObject = Type.Unsafe<object>({ type: 'object', description: 'response' });
export const RESPONSE_ANSWER = {
  200: {
    description: '`x-runnel-conversation` and `x-runnel-run` name what it is of',
    content: {
      'application/json': { schema: ResponseObject },
      'text/event-stream': { schema: Type.String({ description: 'The events of the response' }) },
    },
  },
  ...OPENAI_ERRORS,
};

/** A response of a run that is followed. */
export const viewOf = (
  answer: Answer,
  known: Pick<View, 'conversationId' | 'runId' | 'model' | 'previous' | 'store'> & Pick<Partial<View>, 'echo'>,
): View => ({
  ...known,
  model: answer.model || known.model,
  createdAt: answer.beganAt || Date.now(),
  text: answer.text,
  thoughts: thoughtsOf(answer.parts),
  calls: answer.end ? callsOf(answer.parts) : [],
  end: answer.end,
});

const noPrevious = (id: string): ApiError =>
  new ApiError('not-found', `Previous response with id '${id.slice(0, 200)}' not found.`, {
    code: 'previous_response_not_found',
    param: 'previous_response_id',
    status: 400,
  });

/** The response that this one goes on behind. */
const findPrevious = async (shelves: Shelves, id: string, userId: string): Promise<Found> => {
  try {
    return await findResponse(shelves, id, userId);
  } catch (error) {
    throw error instanceof ApiError ? noPrevious(id) : error;
  }
};

/** How an answer ended that is told whole: its own error is the request's. */
const wholeError = ({ end, parts }: Answer): RunnelError | undefined => end?.error ?? (end && isCut(parts) ? cutCall() : undefined);

export const createRoute = (app: Routes, context: OpenAiContext, shelves: Shelves): void => {
  const { auth, budgets, config, models, requests, runLog } = context;
  const anything = () => () => true;
  const schema = {
    operationId: 'createResponse',
    tags,
    summary: 'A response, whole, streamed, or in the background',
    description:
      'Every stored response can be streamed, resumed by `starting_after`, and cancelled. docs/wires/responses.md says what becomes of each parameter.',
    headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String({ description: 'A retry joins the first try’s run' })) }),
    querystring: Type.Object(UserQuery),
    body: ResponseBody,
    response: RESPONSE_ANSWER,
  };
  app.post('/responses', { ...takesFiles, schema, validatorCompiler: anything }, async (request, reply) => {
    const caller = await dialectCaller(auth, request, reply);
    const { userId } = caller;
    const life = await lifeOf(auth, request, reply);
    const body: unknown = request.body;
    const asked = readResponse(body);
    // It may be a long way back.
    if (asked.previous !== undefined) await budgets.command(userId);
    const previous = asked.previous === undefined ? null : await findPrevious(shelves, asked.previous, userId);
    const conversation = previous?.ref.conversationId ?? asked.conversation;
    const naming = { headers: request.headers, body: body as object, userId, conversation, isListed: asked.listed, isStored: asked.store };
    const ids = await attemptOf(context, await requestIds(naming, runLog), userId);
    const model = await models.resolve(asked.model ?? previous?.message?.model, caller);
    checkSuits(models.find(model), asked.params, asked.needs, fieldOf);
    const { kept, files } = await bringFiles(context, request, caller, asked, models.find(model));
    const { conversationId, messageId, runId, isAgain } = ids;
    const run = { conversationId, runId };
    const { store } = asked;
    const known = { ...run, model, previous: asked.previous ?? null, store, echo: asked.echo };
    reply.headers({ 'x-runnel-conversation': conversationId, 'x-runnel-run': runId });
    const begin = async (): Promise<number> => {
      const place = previous ? { parentId: previous.ref.runId } : {};
      const told = {
        text: asked.prompt,
        files,
        passing: !store,
        seed: asked.seedOf(messageId),
        request: asked.requestFor(messageId, kept),
      };
      const command = { ...run, messageId, model, isAgain, ...told, ...place };
      try {
        return (await promptFor(context, caller, command, () => checkSameBody(ids, userId, runLog))).offset;
      } finally {
        // A refusal says it as well: that is where a client waits by it.
        reply.headers(await rateHeaders(budgets, userId));
      }
    };
    const cancelAfterMs = store ? null : ids.key === undefined ? 0 : config.idempotencyGraceMs;
    await withAnswer(context, caller, run, { reply, life, cancelAfterMs }, begin, async (answer) => {
      const view = (): View => viewOf(answer, known);
      if (asked.stream) {
        const ended = (error: unknown): void => (reply.raw.destroyed ? requests.left('responses') : requests.ended('responses', error));
        return streamResponse(answer, reply, { view, after: null, ended });
      }
      await answer.begun();
      while (!answer.end && !asked.background) await answer.next();
      const error = wholeError(answer);
      if (error) throw error;
      requests.ended('responses', undefined);
      await reply.send(responseOf(view(), answer.end ? undefined : 'queued'));
    });
    return reply;
  });
};

/** A response that was looked up, as it stands. */
export const viewOfFound = (found: Found): View => {
  const { ref, run, message, failure } = found;
  const known = { ...ref, previous: previousOf(found), store: true };
  if (run) {
    const said = { text: run.text, thoughts: thoughtsOf(run.parts ?? []), calls: [] };
    return { ...known, model: run.model, createdAt: run.startedAt, ...said, end: null };
  }
  const { text, status, finish, parts = [], model = '', createdAt, receipt } = message!;
  const usage = usageOf(message!);
  if (isCut(parts)) throw cutCall();
  const reason = status === 'deleted' ? 'failed' : status;
  const told = { ...(finish && { finish }), ...(usage && { usage }), ...failureOf(reason, failure) };
  const end = { reason, at: createdAt + (receipt?.durationMs ?? 0), ...told };
  return { ...known, model, createdAt, text, thoughts: thoughtsOf(parts), calls: callsOf(parts), end };
};

export const wholeResponse = json('The response', ResponseObject);
