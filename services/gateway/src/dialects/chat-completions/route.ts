import { Type } from 'typebox';
import { isListed } from '@runnel/protocol';
import { lifeOf } from '../../http/plumbing/caller.ts';
import { OPENAI_ERRORS, UserQuery, type Routes } from '../../http/plumbing/schemas.ts';
import type { Answer } from '../answer.ts';
import { bringFiles } from '../openai/content/bring-files.ts';
import { dialectCaller } from '../door.ts';
import { checkSameBody, requestIds } from '../openai/ids.ts';
import { takesFiles, type OpenAiContext } from '../openai/context.ts';
import { attemptOf } from '../openai/attempts.ts';
import { reasoningOf } from '../openai/reasoning.ts';
import { rateHeaders } from '../openai/rate-headers.ts';
import { promptFor, withAnswer } from '../openai/run.ts';
import { checkSuits } from '../openai/suits.ts';
import { readCompletion } from './decode.ts';
import { completion, finishReasonOf, type AnswerHead } from './encode.ts';
import { CompletionBody } from './params.ts';
import { endError, streamAnswer, toolCalls } from './stream.ts';

/** A failure before the first word is an HTTP status; after this long the headers of a stream go out without one. */
const FIRST_SIGN_MS = 2_000;

/** Resolves when the answer shows what becomes of it, or has shown nothing for too long. */
const firstSign = async (answer: Answer): Promise<void> => {
  const giveUpAt = performance.now() + FIRST_SIGN_MS;
  const timer = setTimeout(() => answer.touch(), FIRST_SIGN_MS + 1);
  while (answer.text === '' && answer.parts.length === 0 && !answer.end && performance.now() < giveUpAt) await answer.next();
  clearTimeout(timer);
};

const schema = {
  operationId: 'createChatCompletion',
  tags: ['OpenAI-compatible'],
  summary: 'Chat completion, streamed or whole',
  description:
    'The last message is the prompt. Earlier ones are the beginning of a new conversation; an existing one (`x-runnel-conversation`) has its ' +
    'own. Closing the request cancels the run. docs/wires/chat-completions.md says what becomes of each parameter.',
  headers: Type.Object({
    'x-runnel-conversation': Type.Optional(Type.String({ description: 'Continue this conversation' })),
    'idempotency-key': Type.Optional(Type.String({ description: 'A retry joins the first try’s run' })),
  }),
  querystring: Type.Object(UserQuery),
  body: CompletionBody,
  response: {
    200: {
      description: '`x-runnel-conversation` and `x-runnel-run` name what was made',
      content: {
        'application/json': { schema: Type.Unsafe<object>({ type: 'object', description: 'chat.completion' }) },
        'text/event-stream': { schema: Type.String({ description: 'chat.completion.chunk objects, then [DONE]' }) },
      },
    },
    ...OPENAI_ERRORS,
  },
};

export const completionRoutes = (app: Routes, context: OpenAiContext): void => {
  const { auth, budgets, config, models, requests, runLog } = context;

  // The body is checked by `readCompletion`, which names what does not fit as OpenAI does.
  const anything = () => () => true;
  app.post('/chat/completions', { ...takesFiles, schema, validatorCompiler: anything }, async (request, reply) => {
    const caller = await dialectCaller(auth, request, reply);
    const { userId } = caller;
    const life = await lifeOf(auth, request, reply);
    const body: unknown = request.body;
    const asked = readCompletion(body);
    const naming = { headers: request.headers, body: body as object, userId, isListed: asked.store };
    const ids = await attemptOf(context, await requestIds(naming, runLog), userId);
    const model = await models.resolve(asked.model, caller);
    checkSuits(models.find(model), asked.params, asked.needs);
    const { kept, files } = await bringFiles(context, request, caller, asked, models.find(model));
    // A conversation that nobody lists is gone in a day, and so are its files.
    const passing = !isListed(ids.conversationId);
    const { conversationId, messageId, runId, isAgain } = ids;
    const run = { conversationId, runId };
    reply.headers({ 'x-runnel-conversation': conversationId, 'x-runnel-run': runId });
    const cancelAfterMs = ids.key === undefined ? 0 : config.idempotencyGraceMs;
    const begin = async (): Promise<number> => {
      const told = { text: asked.prompt, files, passing, seed: asked.seedOf(messageId), request: asked.requestFor(messageId, kept) };
      const command = { ...run, messageId, model, isAgain, ...told };
      try {
        return (await promptFor(context, caller, command, () => checkSameBody(ids, userId, runLog))).offset;
      } finally {
        // A refusal says it as well: that is where a client waits by it.
        reply.headers(await rateHeaders(budgets, userId));
      }
    };
    await withAnswer(context, caller, run, { reply, life, cancelAfterMs }, begin, async (answer) => {
      if (asked.stream) await firstSign(answer);
      const head = (): AnswerHead => ({ runId, model: answer.model || model, createdAt: answer.beganAt || Date.now() });
      // A failure before the first word, or any failure of a whole answer, is a status of its own.
      if (asked.stream && !(answer.text === '' && endError(answer))) {
        const ended = (error: unknown): void =>
          reply.raw.destroyed ? requests.left('chat-completions') : requests.ended('chat-completions', error);
        return streamAnswer(answer, reply, { head: head(), withUsage: asked.includeUsage, ended });
      }
      while (!answer.end) await answer.next();
      const error = endError(answer);
      if (error) throw error;
      const { usage, finish } = answer.end;
      requests.ended('chat-completions', undefined);
      const said = { text: answer.text, reasoning: reasoningOf(answer.parts), calls: toolCalls(answer) };
      const told = { ...said, finish: finishReasonOf(finish) };
      await reply.send(completion(head(), { ...told, usage }));
    });
    return reply;
  });
};
