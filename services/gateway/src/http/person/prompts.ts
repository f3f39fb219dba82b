import { Type } from 'typebox';
import { RunnelError } from '@runnel/protocol';
import { RECORD_CHARS, PROMPT_NAME, SavedPrompt, SavedPromptList } from '@runnel/protocol/http';
import type { PersonRecord } from '@runnel/coordination';
import type { GatewayContext } from '../../context.ts';
import { PROMPTS_LIMIT } from '../../person/records.ts';
import { callerOf } from '../plumbing/caller.ts';
import { json, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

const tags = ['Settings'];
const querystring = Type.Object(UserQuery);
const NameParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 400 }) });
const NAME = new RegExp(PROMPT_NAME, 'u');

/** One form for what looks alike. @throws RunnelError `bad-frame` */
const checkName = (given: string): string => {
  const name = given.normalize('NFC');
  if (!NAME.test(name)) throw new RunnelError('bad-frame', `A name has at most ${RECORD_CHARS.promptName} letters, digits, _ and -.`);
  return name;
};
const checkText = (given: string): string => {
  const text = given.trim().toWellFormed();
  if (text === '') throw new RunnelError('empty');
  if ([...text].length > RECORD_CHARS.promptText) throw new RunnelError('too-long', `At most ${RECORD_CHARS.promptText} characters.`);
  return text;
};
const promptOf = ({ name, version, fields }: PersonRecord): SavedPrompt => ({ name, text: fields['text'] ?? '', updatedAt: version });

/** Prompts of a person's own: the page offers them behind a `/`. */
export const promptRoutes = (app: Routes, { auth, budgets, records }: GatewayContext): void => {
  app.get(
    '/api/prompts',
    {
      schema: {
        tags,
        operationId: 'listPrompts',
        summary: 'The caller’s own prompts',
        querystring,
        response: { 200: json('By name', SavedPromptList), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      reply.header('cache-control', 'private, no-store');
      const found = await budgets.reading(userId, reply.raw, () => records.read(userId, 'prompt'));
      return { prompts: found.map(promptOf).toSorted((a, b) => (a.name < b.name ? -1 : 1)), limit: PROMPTS_LIMIT };
    },
  );

  app.put(
    '/api/prompts/:name',
    {
      schema: {
        tags,
        operationId: 'keepPrompt',
        summary: 'Keep a prompt under a name, or change it',
        params: NameParams,
        querystring,
        body: Type.Object({ text: Type.String({ description: `At most ${RECORD_CHARS.promptText} characters` }) }),
        response: { 200: json('As it is kept', SavedPrompt), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      const [name, text] = [checkName(request.params.name), checkText(request.body.text)];
      await budgets.admission.write(userId, Buffer.byteLength(text));
      return promptOf(await records.put(userId, 'prompt', name, { text }, { whole: true }));
    },
  );

  app.delete(
    '/api/prompts/:name',
    {
      schema: {
        tags,
        operationId: 'deletePrompt',
        summary: 'Throw a prompt away; safe to repeat',
        params: NameParams,
        querystring,
        response: { 204: { description: 'Gone', type: 'null' }, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      await records.put(userId, 'prompt', checkName(request.params.name), {}, { whole: true });
      return reply.code(204).send(null);
    },
  );
};
