import { Type } from 'typebox';
import { FolderList } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { foldersIn } from '../../person/places.ts';
import { callerOf } from '../plumbing/caller.ts';
import { json, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

/** The names that a person's conversations have as folders: a page of the list has only those that stand on it. */
export const folderRoutes = (app: Routes, { auth, budgets, records }: GatewayContext): void => {
  app.get(
    '/api/folders',
    {
      schema: {
        tags: ['Conversations'],
        operationId: 'listFolders',
        summary: 'The caller’s folders',
        querystring: Type.Object(UserQuery),
        response: { 200: json('By name', FolderList), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      reply.header('cache-control', 'private, no-store');
      return { folders: foldersIn(await budgets.reading(userId, reply.raw, () => records.read(userId, 'place'))) };
    },
  );
};
