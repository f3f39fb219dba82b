import { Type } from 'typebox';
import { CancelAnswer, DecideAnswer, RunAnswer } from '@runnel/protocol/http';
import { CancelFields, DecideFields, PromptFields, RegenerateFields } from '@runnel/protocol';
import { cancelOf, decideOf, promptOf, regenerateOf } from '../../commands/command-fields.ts';
import type { GatewayContext } from '../../context.ts';
import { callerOf } from '../plumbing/caller.ts';
import { PROBLEMS, UserQuery, json, type Routes } from '../plumbing/schemas.ts';

const tags = ['Commands'];
const querystring = Type.Object(UserQuery);

/** The commands of the WebSocket frames as HTTP calls, equally idempotent (W-4). What a run writes is read from the events. */
export const chatRoutes = (app: Routes, { auth, budgets, commands, limits }: GatewayContext): void => {
  const bodyLimit = limits.frameBytes;

  app.post(
    '/api/chat',
    {
      bodyLimit,
      schema: {
        tags,
        operationId: 'prompt',
        summary: 'Ask: adds a user message and starts the run that answers it',
        querystring,
        body: Type.Object(PromptFields),
        response: { 202: json('The run', RunAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      const answer = await commands.prompt(caller, promptOf(request.body));
      return reply.code(202).send(answer);
    },
  );

  app.post(
    '/api/regenerate',
    {
      bodyLimit,
      schema: {
        tags,
        operationId: 'regenerate',
        summary: 'Answer a user message once more, on a new branch',
        querystring,
        body: Type.Object(RegenerateFields),
        response: { 202: json('The run', RunAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      const answer = await commands.regenerate(caller, regenerateOf(request.body));
      return reply.code(202).send(answer);
    },
  );

  app.post(
    '/api/cancel',
    {
      bodyLimit,
      schema: {
        tags,
        operationId: 'cancel',
        summary: 'Stop a run; its text so far stays',
        querystring,
        body: Type.Object(CancelFields),
        response: { 200: json('What became of it', CancelAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => commands.cancel(await callerOf(auth, request, reply), cancelOf(request.body)),
  );

  app.post(
    '/api/decide',
    {
      bodyLimit,
      schema: {
        tags,
        operationId: 'decide',
        summary: 'Decide what a run waits for: approve or deny a call, answer a question',
        querystring,
        body: Type.Object(DecideFields),
        response: { 200: json('What became of it', DecideAnswer), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const caller = await callerOf(auth, request, reply);
      await budgets.command(caller.userId);
      return commands.decide(caller, decideOf(request.body));
    },
  );
};
